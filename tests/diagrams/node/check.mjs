// Parses diagrams with the parsers of their formats. Standard input: a JSON list of {name, form, text};
// standard output: a JSON list of {name, errors, seen}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM } from "jsdom";

const window = new JSDOM("").window;
Object.assign(globalThis, { window, document: window.document, DOMParser: window.DOMParser });
const { default: mermaid } = await import("mermaid");
const { default: asyncapi } = await import("@asyncapi/parser");
const model = createRequire(import.meta.url)("@backstage/catalog-model"); // Node.js 18 cannot import it
const { parseAllDocuments } = await import("yaml");

mermaid.initialize({ startOnLoad: false, maxEdges: 5000, maxTextSize: 5_000_000 });
const parser = new asyncapi.Parser();
const policy = model.EntityPolicies.allOf([
  new model.SchemaValidEntityPolicy(),
  new model.NoForeignRootFieldsEntityPolicy(),
  new model.FieldFormatEntityPolicy(),
]);
const validators = [
  model.componentEntityV1alpha1Validator,
  model.apiEntityV1alpha1Validator,
  model.resourceEntityV1alpha1Validator,
  model.systemEntityV1alpha1Validator,
];

async function ofMermaid(text) {
  const { diagramType } = await mermaid.parse(text);
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  if (diagramType === "sequence") return { actors: [...db.getActors().values()].map((one) => one.description) };
  return {
    labels: [...db.getVertices().values()].map((one) => one.text),
    edges: db.getEdges().length,
    subgraphs: db.getSubGraphs().map((one) => one.title),
    title: db.getDiagramTitle(),
  };
}

async function ofAsyncapi(text) {
  const { document, diagnostics } = await parser.parse(text);
  const errors = diagnostics.filter((one) => one.severity === 0);
  if (errors.length) throw new Error(errors.map((one) => `${one.path.join(".")}: ${one.message}`).join("; "));
  return {
    addresses: document.channels().all().map((one) => one.address()),
    operations: document.operations().all().map((one) => [one.action(), one.tags().all().map((tag) => tag.name())]),
    groups: document.operations().all().flatMap((one) => one.bindings().all().map((each) => each.json().groupId.enum)),
    messages: document.messages().all().map((one) => [one.name(), one.json("x-version")]),
  };
}

async function ofBackstage(text) {
  const entities = parseAllDocuments(text).map((one) => {
    if (one.errors.length) throw one.errors[0];
    return one.toJSON();
  });
  for (const entity of entities) {
    await policy.enforce(entity);
    const known = [];
    for (const validator of validators) known.push(await validator.check(entity));
    if (!known.includes(true)) throw new Error(`${entity.kind} ${entity.metadata.name} is of no known kind`);
  }
  const definitions = entities.filter((one) => one.kind === "API").map((one) => one.spec.definition);
  for (const definition of definitions.slice(0, 1)) await ofAsyncapi(definition);
  const refs = new Set(entities.map((one) => model.stringifyEntityRef(one)));
  const apis = entities.flatMap((one) => [...(one.spec.providesApis ?? []), ...(one.spec.consumesApis ?? [])]);
  const named = [
    ...entities.flatMap((one) => one.spec.dependsOn ?? []),
    ...apis.map((name) => `api:default/${name}`),
    ...entities.filter((one) => one.spec.system).map((one) => `system:default/${one.spec.system}`),
  ];
  const missing = named.filter((name) => !refs.has(name.toLowerCase()));
  if (missing.length) throw new Error(`relations to nothing: ${missing.join(", ")}`);
  if (refs.size !== entities.length) throw new Error("two entities have one name");
  return { titles: entities.map((one) => [one.kind, one.metadata.title]) };
}

const parsers = { mermaid: ofMermaid, asyncapi: ofAsyncapi, backstage: ofBackstage };
const results = [];
for (const { name, form, text } of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    results.push({ name, errors: [], seen: await parsers[form](text) });
  } catch (error) {
    results.push({ name, errors: [String(error.message ?? error)], seen: {} });
  }
}
process.stdout.write(JSON.stringify(results));
process.exit(0);
