/** Words of the reader's own page. */
export const account = {
  account: {
    title: "Your account",
    summary: "Who you are here, and how you read.",
    name: "User name",
    role: "Role",
    theme: "Theme",
  },
} as const;
