/** Words of the worklist's views, counts, search, marks and assignments. */
import { whole } from "./format";

const VIEWS: Record<string, string> = {
  all: "Everything",
  to_read: "To read",
  mine: "Mine",
  ungradable: "Ungradable",
  abstained: "Abstained",
  changed: "Changed overnight",
  disagreements: "Disagreements",
  second_read: "Second reader",
  adjudication: "To adjudicate",
};

const readings = (count: number): string => `${count} ${count === 1 ? "reading" : "readings"}`;

export const worklistWords = {
  views: {
    label: "Views",
    names: VIEWS,
    pipelines: "By question",
    sites: "By site",
    own: "My views",
    total: (total: number, capped: boolean) => `${whole(total)}${capped ? "+" : ""}`,
    keep: "Keep this view",
    keepTitle: "Keep this view",
    keepWhy: "The filters you have chosen, under a name of your own. Only you see it.",
    rename: "Rename",
    renameTitle: "Rename the view",
    forget: "Delete",
    name: "Name",
    save: "Keep",
    cancel: "Cancel",
    notKept: "The view was not changed",
  },
  glance: {
    label: "What is on the list",
    toRead: (total: string) => `${total} to read`,
    readings: (total: string) => `${total} ${total === "1" ? "reading" : "readings"}`,
    first: "of the first 10,000",
  },
  search: {
    label: "Search studies",
    hint: "Name, patient id, accession number…",
    submit: "Search",
    clear: "Back to the list",
    found: (count: number, more: boolean, text: string) => `${readings(count)}${more ? " or more" : ""} for “${text}”`,
    nothing: "No study holds all these words.",
    nothingWhat: "Names, patient ids, accession numbers, descriptions and study UIDs are searched.",
    loading: "Searching…",
  },
  marks: {
    column: "Marked",
    mark: (patient: string) => `Mark the reading of ${patient}`,
    count: (count: number) => `${readings(count)} marked`,
    assign: "Assign…",
    clear: "Mark nothing",
  },
  assign: {
    title: (count: number) => `Assign ${readings(count)}`,
    to: "To",
    me: "Me",
    nobody: "Nobody: give back",
    submit: "Assign",
    cancel: "Cancel",
    busy: "Assigning…",
    done: (count: number) => `${readings(count)} assigned.`,
    takeOver: (count: number) => `Take over ${readings(count)}`,
    others: (count: number) => `${readings(count)} left with another reader.`,
    failed: "Nothing was assigned",
    left: (count: number, why: string) => `${readings(count)} left as it was: ${why}.`,
    gone: "it has left the list",
  },
  disagreement: {
    any: "Any",
    readers: "Two readers disagree",
    reader: "The reader decided otherwise",
    shadow: "Shadow model disagrees",
  } as Record<string, string>,
  assignee: { me: "Me", none: "Nobody", nobody: "–" },
  ungradable: "Ungradable",
} as const;
