"use strict";
// The same rules as madang.kernel.ledger.proof and madang.programme.line, for a browser without a network.
// A test plays every altered line of the Python tests through this file and compares the answers.

class Refused extends Error {
  constructor(link, message, values = {}) { super(message); this.link = link; this.values = values; }
}
class Malformed extends Error {}

const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
const same = (a, b) => a.length === b.length && a.every((value, at) => value === b[at]);
const equal = (a, b) => canonical(a) === canonical(b);

function fromBase64(text) {
  if (typeof text !== "string" || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    throw new Malformed(String(text));
  }
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

async function sha256(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { joined.set(part, at); at += part.length; }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
}

// RFC 8785: JavaScript's own numbers and strings are what it prescribes; keys in UTF-16 order.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

// A fact that is not there must stop the check, not pass as undefined.
function strict(value) {
  if (value === null || typeof value !== "object") return value;
  return new Proxy(value, {
    get(target, key) {
      const found = target[key];
      if (found === undefined && typeof key === "string" && !(key in Object.prototype) && !(key in Array.prototype)) {
        throw new Malformed(key);
      }
      return typeof found === "object" ? strict(found) : found;
    },
  });
}

// ---- keys, checkpoints (C2SP signed note), RFC 9162 inclusion ----

async function parseKey(text) {
  const [name, id, ...rest] = String(text).trim().split("+");
  let raw;
  try { raw = fromBase64(rest.join("+")); } catch { throw new Refused("key", "ledger.key-malformed"); }
  if (!name || raw.length !== 33 || raw[0] !== 1) throw new Refused("key", "ledger.key-malformed");
  const expected = (await sha256(utf8(`${name}\n`), raw)).slice(0, 4);
  if (hex(expected) !== id) throw new Refused("key", "ledger.key-malformed");
  return { name, id: expected, public: raw.slice(1), text: String(text).trim() };
}

async function signed(key, message, signature) {
  const imported = await crypto.subtle.importKey("raw", key.public, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

async function openCheckpoint(note, key) {
  const end = note.lastIndexOf("\n\n");
  if (end < 0) throw new Refused("checkpoint", "ledger.note-malformed");
  const body = note.slice(0, end) + "\n";
  let held = false;
  for (const line of note.slice(end + 2).split("\n")) {
    const at = line.lastIndexOf(" ");
    if (at < 0 || line.slice(0, at) !== `\u2014 ${key.name}`) continue;
    let raw;
    try { raw = fromBase64(line.slice(at + 1)); } catch { continue; }
    held ||= same(raw.slice(0, 4), key.id) && await signed(key, utf8(body), raw.slice(4));
  }
  if (!held) throw new Refused("checkpoint", "ledger.not-signed-by", { key: key.text });
  const [origin, size, root] = body.split("\n");
  let bytes;
  try { bytes = fromBase64(root); } catch { throw new Refused("checkpoint", "ledger.note-malformed"); }
  const written = `${origin}\n${Number(size)}\n${root}\n`;
  if (!/^\d+$/.test(size) || written !== body || bytes.length !== 32 || origin !== key.name) {
    throw new Refused("checkpoint", "ledger.note-malformed");
  }
  return { size: Number(size), root: bytes };
}

async function rootFromInclusion(index, size, leaf, path) {
  if (!Number.isInteger(index)) throw new Malformed("position");
  if (index < 0 || index >= size) return null;
  let position = index, last = size - 1, current = leaf;
  const half = (n) => Math.floor(n / 2);
  for (const sibling of path) {
    if (last === 0) return null;
    if (position % 2 === 1 || position === last) {
      current = await sha256(Uint8Array.of(1), sibling, current);
      while (position % 2 === 0 && position !== 0) { position = half(position); last = half(last); }
    } else {
      current = await sha256(Uint8Array.of(1), current, sibling);
    }
    position = half(position); last = half(last);
  }
  return last === 0 ? current : null;
}

async function checkLink(raw, checkpoint) {
  let name = "?";
  try {
    const told = strict(raw);
    name = `${told.role} (#${told.position})`;
    const path = Array.from(raw.path, fromBase64);
    const leaf = await sha256(Uint8Array.of(0), utf8(told.leaf));
    const root = await rootFromInclusion(told.position, checkpoint.size, leaf, path);
    if (root === null || !same(root, checkpoint.root)) throw new Refused(name, "ledger.not-in-tree");
    const content = strict(JSON.parse(told.leaf));
    const entry = {
      position: told.position, kind: content.kind, subject: content.subject,
      facts: content.facts, at: content.at, by: content.by,
    };
    return { role: told.role, entry };
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(name, "ledger.proof-malformed");
  }
}

async function checkProof(proof, note, expected) {
  let key, size, raws;
  try {
    const told = strict(proof);
    if (told.format !== "madang-proof/1") {
      throw new Refused("format", "ledger.format-unknown", { format: told.format });
    }
    key = await parseKey(told.key);
    size = told.size;
    if (!Array.isArray(proof.links)) throw new Malformed("links");
    raws = proof.links;
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused("format", "ledger.proof-malformed");
  }
  if (expected && (await parseKey(expected)).text !== key.text) {
    throw new Refused("key", "ledger.other-key", { key: key.text });
  }
  const checkpoint = await openCheckpoint(note, key);
  if (checkpoint.size !== size) {
    throw new Refused("checkpoint", "ledger.other-size", { proof: size, checkpoint: checkpoint.size });
  }
  const links = [];
  for (const raw of raws) links.push(await checkLink(raw, checkpoint));
  return { key, checkpoint, links };
}

// ---- the line: what each entry must say for the next one ----

const KINDS = {
  score: "score.recorded", submission: "submission.made", asked: "opening.asked",
  confirmed: "opening.confirmed", benchmark: "benchmark.sealed", mission: "mission.opened",
  model: "run.ended", run: "run.submitted", award: "award.made", share: "capacity.split",
  pool: "version.pooled", version: "version.deposited", check: "version.checked",
  agreement: "agreement.drafted", signature: "agreement.signed",
};

function need(condition, link, message, values = {}) {
  if (!condition) throw new Refused(link, `programme.line.${message}`, values);
}

function inOrder(link, ...entries) {
  const positions = entries.map((entry) => entry.position);
  const sorted = [...positions].sort((a, b) => a - b);
  need(equal(positions, sorted), link, "out-of-order", { positions: `[${positions.join(", ")}]` });
}

class Follower {
  constructor(links) {
    this.roles = new Map();
    for (const { role, entry } of links) {
      need(entry.kind === KINDS[role], role, "wrong-kind", { kind: entry.kind });
      const entries = this.roles.get(role) ?? [];
      need(!entries.some((one) => one.subject === entry.subject), role, "twice", { subject: entry.subject });
      this.roles.set(role, [...entries, entry]);
    }
  }

  all(role) { return this.roles.get(role) ?? []; }

  one(role) {
    const entries = this.all(role);
    need(entries.length === 1, role, "not-one", { found: entries.length });
    return entries[0];
  }

  find(role, subject) { return this.all(role).find((entry) => entry.subject === subject); }

  named(role, subject) {
    const entry = this.find(role, subject);
    need(entry !== undefined, role, "missing", { what: `${role} ${subject}` });
    return entry;
  }

  async line() {
    const score = this.one("score"), submission = this.one("submission"), mission = this.one("mission");
    const benchmark = this.named("benchmark", mission.subject);
    await scoreHolds(score, submission, benchmark, mission);
    this.opened(score, submission, mission);
    const model = this.maker(submission);
    const run = this.named("run", model.subject);
    const award = this.named("award", run.facts.award);
    this.runHolds(model, run, award, mission, submission);
    const { pool, versions } = this.inputs(run, model, mission);
    const agreement = this.agreements(versions, pool ?? run, mission);
    this.groundsHold([...(pool ? [pool] : []), run, submission]);
    return { score, submission, benchmark, mission, model, run, award, pool, versions, agreement };
  }

  opened(score, submission, mission) {
    const asked = this.named("asked", mission.subject), confirmed = this.named("confirmed", mission.subject);
    for (const part of ["member", "organization"]) {
      need(asked.by[part] !== confirmed.by[part], "confirmed", "opened-alone", { who: asked.by[part] });
    }
    for (const entry of [asked, confirmed]) {
      need(entry.facts.finalists.includes(submission.subject), entry.kind, "not-finalist");
    }
    inOrder("confirmed", submission, asked, confirmed, score);
  }

  maker(submission) {
    const made = { version: submission.facts.version, manifest: submission.facts.manifest };
    const found = this.all("model").find((entry) => [...entry.facts.outputs].some((one) => equal(one, made)));
    need(found !== undefined, "model", "unmade", { version: made.version });
    return found;
  }

  runHolds(model, run, award, mission, submission) {
    need(model.facts.state === "succeeded", "model", "not-succeeded", { state: model.facts.state });
    need(model.facts.award === award.subject, "award", "other-award");
    const theirs = award.facts.mission === run.facts.mission && run.facts.mission === mission.subject;
    need(theirs, "award", "other-mission");
    const trainer = run.by.organization;
    need(award.facts.organization === trainer, "award", "other-holder");
    need(submission.by.organization === trainer, "submission", "other-submitter");
    need(mission.facts.evaluator !== trainer, "mission", "judge-trains");
    const share = this.named("share", award.facts.capacity);
    need(award.facts.resource_seconds <= share.facts.shares[award.facts.share], "share", "share-overdrawn");
    const used = model.facts.used_resource_seconds, leased = run.facts.leased_resource_seconds;
    need(used <= leased && leased <= award.facts.resource_seconds, "run", "overdrawn");
    inOrder("run", share, award, run, model, submission);
  }

  inputs(run, model, mission) {
    const pinned = [...run.facts.inputs].map((given) => [given.version, given.manifest]);
    const names = pinned.map(([version]) => version).sort();
    need(equal(names, [...model.facts.inputs].sort()), "model", "other-inputs");
    let pool = null;
    const versions = [];
    for (const [version, manifest] of pinned) {
      const pooled = this.find("pool", version);
      const source = pooled ?? this.named("version", version);
      need(source.facts.manifest === manifest, "run", "other-content", { version });
      need(source.facts.mission === mission.subject, source.kind, "other-mission");
      need(source.by.organization === source.facts.owner, source.kind, "other-owner");
      inOrder("run", source, run);
      if (pooled === undefined) {
        versions.push(this.accepted(version, run));
      } else {
        pool = pooled;
        for (const parent of pooled.facts.parents) versions.push(this.accepted(parent, pooled));
      }
    }
    for (const version of versions) {
      need(version.facts.mission === mission.subject, "version", "other-mission");
      need(version.by.organization === version.facts.owner, "version", "other-owner");
    }
    need(versions.length > 0, "version", "missing", { what: "version" });
    return { pool, versions };
  }

  accepted(version, user) {
    const deposited = this.named("version", version), checked = this.named("check", version);
    need(checked.facts.state === "accepted", "check", "not-accepted", { version });
    inOrder("version", deposited, checked, user);
    return deposited;
  }

  agreements(versions, user, mission) {
    const names = new Set([...versions.map((version) => version.facts.agreement), mission.facts.agreement]);
    for (const name of [...names].sort()) {
      const drafted = this.named("agreement", name);
      for (const party of drafted.facts.parties) {
        const given = this.named("signature", `${name}/${party}`);
        need(given.facts.digest === drafted.facts.digest, "signature", "other-text", { party });
        need(given.by.organization === party, "signature", "other-signer", { party });
        inOrder("signature", drafted, given, user);
      }
      need(user.at < drafted.facts.ends_at, "agreement", "ended", { when: drafted.facts.ends_at });
      need(drafted.facts.mission === mission.subject, "agreement", "other-mission");
    }
    return this.named("agreement", mission.facts.agreement);
  }

  groundsHold(users) {
    for (const user of users) {
      const grounds = [...user.facts.grounds];
      need(grounds.length > 0, user.kind, "no-ground");
      for (const ground of grounds) {
        if (ground === "role/owner-uses-own") continue;
        const name = ground.split("/")[1];
        if (name === undefined) throw new Malformed(ground);
        this.named("agreement", name);
      }
    }
  }
}

async function scoreHolds(score, submission, benchmark, mission) {
  const said = score.facts.statement;
  need(said.submission === score.subject && score.subject === submission.subject, "score", "other-submission");
  const version = said.version === submission.facts.version && said.manifest === submission.facts.manifest;
  need(version, "score", "other-version");
  need(said.benchmark === benchmark.facts.commitment, "score", "other-benchmark");
  need(said.scorer === benchmark.facts.scorer_digest, "score", "other-scorer");
  const theirs = said.mission === submission.facts.mission && said.mission === mission.subject;
  need(theirs, "score", "other-mission");
  need(said.half === "final", "score", "not-final");
  const objective = [said.target, said.confidence, said.n_sealed];
  const fixed = [mission.facts.target, mission.facts.confidence, mission.facts.n];
  need(equal(objective, fixed) && benchmark.facts.n === said.n_sealed, "score", "other-objective");
  const judged = benchmark.by.organization === mission.facts.evaluator;
  need(judged && score.by.organization === mission.facts.evaluator, "benchmark", "other-evaluator");
  const guards = Object.entries(said.guards);
  const rails = Object.fromEntries(guards.map(([metric, guard]) => [metric, strict(guard).at_most]));
  need(equal(rails, mission.facts.guardrails), "score", "other-objective");
  for (const [, guard] of guards) need(guard.holds === (guard.upper <= guard.at_most), "score", "inconsistent");
  const held = guards.every(([, guard]) => guard.holds);
  const outcome = held && said.lower >= said.target ? "reached" : "not-reached";
  const groups = Object.values(said.groups);
  const items = groups.reduce((sum, [, n]) => sum + n, 0);
  const ordered = items > 0 && items <= said.n_sealed && said.lower <= said.value && said.value <= said.upper;
  need(ordered, "score", "inconsistent");
  const mean = groups.reduce((sum, [value]) => sum + value, 0) / items;
  const consistent = said.outcome === outcome && items === said.n && Math.abs(mean - said.value) < 1e-5;
  need(consistent, "score", "inconsistent");
  need(await signedStatement(score, benchmark.facts.evaluator_key), "score", "not-signed");
  inOrder("score", mission, benchmark, submission, score);
}

async function signedStatement(score, key) {
  try {
    return await signed(await parseKey(key), utf8(canonical(score.facts.statement)), fromBase64(score.facts.signature));
  } catch {
    return false;
  }
}

async function follow(links) {
  try {
    return await new Follower(links).line();
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused("line", "programme.line.missing", { what: error.message });
  }
}

// The whole check: {holds: true, ...} or {holds: false, link, message, values}.
async function verify(proofText, note, expected = "") {
  try {
    let proof;
    try { proof = JSON.parse(proofText); } catch { throw new Refused("format", "ledger.proof-malformed"); }
    const { key, checkpoint, links } = await checkProof(proof, note, expected.trim());
    const held = { holds: true, key: key.text, size: checkpoint.size, links: links.length };
    // The proof of a single entry claims no more than that it is in the tree.
    if (links.length === 1 && links[0].role === "entry") return { ...held, entry: links[0].entry };
    return { ...held, line: await follow(links) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { holds: false, link: error.link, message: error.message, values: error.values };
  }
}
