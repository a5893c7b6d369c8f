/* How things of the field are named, and how times, money and durations are written; pure functions. */
(function (o) {
  "use strict";

  const OUTCOMES = {
    counted: ["good", "Counted", "Attributed to an experiment"],
    suppressed_user: ["bad", "Suppressed user", "The user is on Segment's suppression list"],
    duplicate: ["bad", "Duplicate", "The same message came before"],
    blocked_by_schema: ["bad", "Blocked by schema", "The source's schema controls drop the event"],
    consent_refused: ["bad", "Consent refused", "The event's consent does not cover the destination"],
    filtered: ["bad", "Filtered", "A filter or transformation drops the event before the mappings"],
    not_subscribed: ["bad", "Not subscribed", "No enabled mapping's trigger matches"],
    invalid_payload: ["bad", "Invalid payload", "A required field is missing or has the wrong type"],
    datafile_unavailable: ["bad", "Datafile unavailable", "The CDN gave no usable datafile"],
    project_deactivated: ["bad", "Project deactivated", "The datafile is the deactivated-project text"],
    unmatched_event_key: ["bad", "Unmatched event key", "No event in the datafile has exactly this key"],
    delivery_failed: ["bad", "Delivery failed", "The Event API was not reached, or refused"],
    wrong_account: ["bad", "Wrong account", "The event's account_id is that of no datafile here"],
    no_experiment: ["bad", "No experiment", "The event is a metric of no experiment"],
    experiment_not_running: ["bad", "Experiment not running", "No experiment with this metric ran at the time"],
    unidentified_user: ["bad", "Unidentified user", "No userId, and the anonymousId has no decision"],
    user_not_activated: ["bad", "User not activated", "The visitor has no decision in such an experiment"],
    activated_too_late: ["bad", "Activated too late", "The only decisions are later than the event"],
    excluded: ["bad", "Excluded", "Holdback, filtered bot, or a value that Optimizely does not take"],
  };
  const STATUS = {
    passed: ["good", "Passed"],
    failed: ["bad", "Failed"],
    error: ["bad", "Could not run"],
    waiting: ["idle", "Waiting"],
    running: ["idle", "Running"],
  };
  const CONDITIONS = [
    ["event_key_matches", "Event key matches", "The datafile has an event with exactly this key"],
    ["experiment_running", "Experiment running", "An experiment that has the event as a metric runs"],
    ["user_identified", "User identified", "The event carries a userId"],
    ["user_activated", "User activated", "The visitor has an earlier decision in that experiment"],
  ];
  const KINDS = {
    changed: "different value",
    missing: "missing",
    unexpected: "unexpected",
    type: "different type",
    matcher: "matcher refused",
  };
  const SURFACES = {
    events: "Event API",
    datafile: "Datafile",
    privacy: "Privacy API",
    predictions: "Prediction service",
    results: "Results API",
  };
  const PARTS = {
    tracks: "Track",
    conversions: "Conversion",
    received: "Batch received",
    subject_access_requests: "Erasure request",
  };

  const own = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined);

  const sentence = (slug) => {
    const text = String(slug).replace(/_/g, " ");
    return text.charAt(0).toUpperCase() + text.slice(1);
  };

  /** An outcome → {tone, label, hint}. A deletion has none: its tone is idle. */
  function outcome(slug) {
    if (!slug) return { tone: "idle", label: "Deletion", hint: "A request to erase a user is not a conversion" };
    const [tone, label, hint] = own(OUTCOMES, slug) || ["bad", sentence(slug), ""];
    return { tone, label, hint };
  }

  const surface = (slug) => own(SURFACES, slug) || slug;

  const CALLS = ["identify", "page", "screen", "group", "alias"];

  /** Whether a verdict is on something that was meant to convert: ordinary identify and page calls, which no mapping wants,
   *  are not. */
  function isConversion(verdict) {
    const type = verdict.delivery && verdict.delivery.type;
    return verdict.kind !== "deletion" && !(CALLS.includes(type) && verdict.outcome === "not_subscribed");
  }

  /** Whether a row of a listing can be read: of a damaged one the emulator says only that. */
  const readable = (row) => !row.unreadable;

  /** An event as lists name it: a call without a name by its type. */
  function eventName(verdict) {
    if (verdict.event) return verdict.event;
    if (verdict.kind === "deletion") return "(deletion)";
    return verdict.delivery && verdict.delivery.type ? `(${verdict.delivery.type} call)` : "(no name)";
  }

  /** A verdict's explanation without the event's name in front, which stands beside it. */
  function why(verdict) {
    const text = verdict.explanation || "";
    const name = `"${verdict.event}"`;
    if (!text.startsWith(name)) return text;
    const rest = text.slice(name.length).trim();
    return rest.charAt(0).toUpperCase() + rest.slice(1);
  }

  /** Where an outcome is explained in the documentation. */
  const page = (slug) => `docs/outcomes.md#${slug}`;

  /** Whether a verdict says what to change: of a counted event only where a warning asks for it. */
  const isRemedy = (verdict) => Boolean(verdict.remedy) && verdict.remedy !== "Nothing needs to change.";

  function status(slug) {
    const [tone, label] = own(STATUS, slug) || ["idle", sentence(slug || "unknown")];
    return { tone, label };
  }

  /** Parts of a path → names, with list and place drawn together: ["visitors", 0, "key"] → ["visitor 1", "key"]. */
  function names(parts, list) {
    const named = [];
    parts.forEach((one, i) => {
      if (typeof one !== "number") named.push(String(one));
      else if (named.length && typeof parts[i - 1] !== "number")
        named.push(named.pop().replace(/s$/, "") + " " + (one + 1));
      else named.push(`${typeof list === "string" ? list.replace(/s$/, "") + " " : ""}${one + 1}`);
    });
    return named;
  }

  /** A difference's path → {part: "Track 2", field: "revenue", through: ["sent", "visitor 1", …]}. */
  function where(path) {
    const rest = (path || []).slice();
    const head = rest.shift();
    let part = own(PARTS, head) || sentence(head === undefined ? "scenario" : head);
    if (typeof rest[0] === "number") part += " " + (rest.shift() + 1);
    const named = names(rest);
    return { part, field: named.length ? named[named.length - 1] : part, through: named.slice(0, -1) };
  }

  /** A scenario's one line: its first difference in words and how many more there are, or why it could not run. */
  function reason(scenario) {
    const [first, ...more] = scenario.differences || [];
    if (!first) return scenario.reason || "";
    const { part, field } = where(first.path);
    const side = (name) => {
      const text = o.diff.show(first[name]);
      return text.length > 40 ? text.slice(0, 37) + "…" : text;
    };
    const said =
      "expected" in first && "captured" in first
        ? `expected ${side("expected")}, captured ${side("captured")}`
        : own(KINDS, first.kind) || first.kind;
    return `${part === field ? part : `${part} › ${field}`}: ${said}${more.length ? ` (+${more.length} more)` : ""}`;
  }

  const two = (n) => String(n).padStart(2, "0");

  /** Epoch ms → time of day in the reader's zone; with the date unless it is today's. */
  function local(ms, now) {
    if (typeof ms !== "number" || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return "–";
    const d = new Date(ms);
    const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")}`;
    const same = now !== undefined && new Date(now).toDateString() === d.toDateString();
    return same ? time : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`;
  }

  function utc(ms) {
    return typeof ms === "number" && Math.abs(ms) <= 8.64e15
      ? new Date(ms).toISOString().replace("T", " ").replace("Z", " UTC")
      : "";
  }

  function duration(ms) {
    if (typeof ms !== "number") return "";
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`;
    if (ms >= 172800000) return `${number(Math.round(ms / 86400000))} days`;
    if (ms < 3600000) return `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
    return `${Math.floor(ms / 3600000)} h ${Math.round((ms % 3600000) / 60000)} min`;
  }

  const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many || one + "s"}`;

  /** Digits in threes, with a thin space: the same in every locale. */
  function number(value) {
    if (typeof value !== "number" || !Number.isFinite(value)) return String(value);
    const [whole, part] = String(value).split(".");
    if (/e/.test(String(value))) return String(value);
    return whole.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f") + (part ? "." + part : "");
  }

  /** Cents → units with two digits; Optimizely keeps revenue in 1/100 of the currency unit. */
  function money(cents) {
    if (typeof cents !== "number") return "–";
    const sign = cents < 0 ? "\u2212" : "";
    const whole = Math.floor(Math.abs(cents) / 100);
    return sign + number(whole) + "." + two(Math.round(Math.abs(cents) % 100));
  }

  function percent(part, whole) {
    return whole ? `${((100 * part) / whole).toFixed(1)} %` : "–";
  }

  /** Two keys that should be one → the first in pieces: [{text, same}], by their longest common subsequence. */
  function apart(key, other) {
    const common = Array.from({ length: key.length + 1 }, () => new Uint16Array(other.length + 1));
    for (let i = key.length - 1; i >= 0; i -= 1) {
      for (let j = other.length - 1; j >= 0; j -= 1) {
        common[i][j] = key[i] === other[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
      }
    }
    const pieces = [];
    for (let i = 0, j = 0; i < key.length; i += 1) {
      while (j < other.length && key[i] !== other[j] && common[i][j] === common[i][j + 1]) j += 1;
      const same = j < other.length && key[i] === other[j];
      if (same) j += 1;
      const last = pieces[pieces.length - 1];
      if (last && last.same === same) last.text += key[i];
      else pieces.push({ text: key[i], same });
    }
    return pieces;
  }

  o.words = {
    OUTCOMES,
    CONDITIONS,
    KINDS,
    SURFACES,
    surface,
    outcome,
    page,
    isRemedy,
    isConversion,
    why,
    eventName,
    readable,
    status,
    names,
    where,
    reason,
    sentence,
    local,
    utc,
    duration,
    plural,
    number,
    money,
    percent,
    apart,
  };
})((globalThis.optilocal = globalThis.optilocal || {}));
