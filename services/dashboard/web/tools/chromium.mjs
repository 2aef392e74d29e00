// Unpacks the Chromium inside @sparticuz/chromium into the folder named by TMPDIR and prints where it is.
// The package unpacks its own libraries (NSS, Expat) only where it believes to run on AWS Lambda; a bare Linux lacks the
// same ones, so it is told so.
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs20.x";
const { default: chromium } = await import("@sparticuz/chromium");
console.log(await chromium.executablePath());
