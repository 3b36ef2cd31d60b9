"use strict";
// The page around the check: files in, the answer out, in two languages. Nothing leaves the browser.

const files = { proof: null, checkpoint: null };
let language = (navigator.language || "").startsWith("ko") ? "ko" : "en";
const element = (id) => document.getElementById(id);

function text(message, values = {}) {
  const template = MESSAGES[language][message] ?? message;
  return template.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

function row(what, detail, entry) {
  const tr = document.createElement("tr");
  for (const cell of [what, detail, entry]) {
    const td = document.createElement("td");
    td.textContent = cell;
    tr.append(td);
  }
  return tr;
}

function entryRows({ entry }) {
  const by = `${entry.kind}  ${entry.subject}  (${entry.by.organization})`;
  return [row(text("page.entry"), by, `#${entry.position}`)];
}

function lineRows({ line }) {
  const said = line.score.facts.statement, rows = [];
  const figures = [said.value, said.lower, said.upper].map((x) => x.toFixed(3));
  const outcome = text(`scores.outcome.${said.outcome}`);
  rows.push(row(text("page.score"), `${figures[0]} [${figures[1]}, ${figures[2]}] n=${said.n} — ${outcome} (${said.target})`, `#${line.score.position}`));
  rows.push(row(text("page.model"), `${said.version}  ${said.manifest.slice(0, 16)}`, `#${line.model.position}`));
  rows.push(row(text("page.run"), `${line.run.subject}  ${line.run.facts.recipe}  ${line.model.facts.used_resource_seconds} s`, `#${line.run.position}`));
  rows.push(row(text("page.award"), `${line.award.subject}  ${line.award.facts.share}  ${line.award.facts.resource_seconds} s`, `#${line.award.position}`));
  if (line.pool) rows.push(row(text("page.pool"), line.pool.facts.name, `#${line.pool.position}`));
  for (const version of line.versions) rows.push(row(text("page.version"), version.facts.name, `#${version.position}`));
  const parties = [...line.agreement.facts.parties].length;
  rows.push(row(text("page.signed"), `${line.agreement.subject}  ${text("page.parties", { n: parties })}`, `#${line.agreement.position}`));
  return rows;
}

async function answer() {
  const panel = element("answer");
  panel.hidden = !(files.proof && files.checkpoint);
  if (panel.hidden) return;
  const rows = element("rows");
  rows.replaceChildren();
  let told;
  try {
    told = await verify(files.proof, files.checkpoint, element("key").value);
  } catch (error) {
    told = { holds: false, link: "browser", message: "page.unsupported", values: { error: error.message } };
  }
  panel.dataset.holds = told.holds;
  element("verdict").textContent = told.holds
    ? text("page.holds", { links: told.links, size: told.size })
    : text("page.refused", { link: told.link, reason: text(told.message, told.values) });
  element("named").textContent = told.holds ? text(element("key").value.trim() ? "page.key-compared" : "page.key", { key: told.key }) : "";
  if (told.holds) rows.append(...(told.entry ? entryRows(told) : lineRows(told)));
  element("line").hidden = !told.holds;
}

async function take(list) {
  for (const file of list) {
    const content = await file.text();
    const kind = content.trimStart().startsWith("{") ? "proof" : "checkpoint";
    files[kind] = content;
    element(`${kind}-name`).textContent = file.name;
  }
  await answer();
}

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
  document.title = text("page.title");
  return answer();
}

for (const kind of ["proof", "checkpoint"]) {
  element(kind).addEventListener("change", async ({ target }) => {
    await take([...target.files]);
    target.value = "";  // so that the same file, changed meanwhile, can be chosen again
  });
}
element("key").addEventListener("input", answer);
element("ko").addEventListener("click", () => speak("ko"));
element("en").addEventListener("click", () => speak("en"));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files); });
speak(language);
