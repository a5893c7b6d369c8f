/* Where a page's data comes from: the emulator over HTTP, or the run that is written into a report opened from disk. */
(function (o) {
  "use strict";

  const WAIT_SECONDS = 25;
  const AGAIN_MS = 1000;

  /** A failed request: its HTTP status (0 when nothing answered), the emulator's code and its sentence. */
  class Problem extends Error {
    constructor(status, code, message) {
      super(message);
      Object.assign(this, { status, code });
    }
  }

  const pause = (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    });

  const query = (params) => {
    const text = new URLSearchParams(
      Object.entries(params || {}).filter(([, value]) => value !== undefined && value !== null),
    ).toString();
    return text ? "?" + text : "";
  };

  /** The emulator behind this page. A parameter `ns` names one namespace, by its prefix, or with "*" every one. */
  function live(base) {
    function address(path, { ns, ...params } = {}) {
      const prefix = ns && ns !== "*" ? `ns/${encodeURIComponent(ns)}/` : "";
      return `${base}${prefix}_emulator/${path}${query(ns === "*" ? { ns, ...params } : params)}`;
    }

    let known = null; // what GET _emulator/viewer told: the forwarder's address, and the token that changes need

    /** `{forwarder: base URL | null, token}`; asked once, and again after the emulator was started anew. */
    async function about(signal) {
      if (!known) known = await call("GET", "viewer", { signal });
      return known;
    }

    /** One request that changes something; a token of an emulator that was stopped since is asked for anew, once. */
    async function send(method, path, options = {}) {
      const token = (await about()).token;
      try {
        return await call(method, path, { ...options, token });
      } catch (error) {
        if (error.code !== "page_token") throw error;
        known = null;
        return call(method, path, { ...options, token: (await about()).token });
      }
    }

    async function call(method, path, { params, body, signal, token } = {}) {
      let response;
      try {
        response = await fetch(address(path, params), {
          method,
          signal,
          cache: "no-store",
          headers: {
            ...(body === undefined ? {} : { "Content-Type": "application/json" }),
            ...(token ? { "X-Optilocal-Token": token } : {}),
          },
          body: body === undefined ? undefined : JSON.stringify(body),
        });
      } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new Problem(0, "unreachable", "The emulator does not answer.");
      }
      const text = await response.text();
      let answer = null;
      try {
        answer = text ? JSON.parse(text) : null;
      } catch {
        throw new Problem(response.status, "not_json", "The answer is not JSON.");
      }
      if (!response.ok) {
        const told = (answer && answer.error) || {};
        throw new Problem(
          response.status,
          told.code || "error",
          told.message || (answer && answer.message) || `The emulator answered ${response.status}.`,
        );
      }
      return answer;
    }

    /** Long poll until the signal ends: each answer with rows goes to onRows. It rests while the tab is hidden, and backs
     *  off while nothing answers; every change of state is told to onState ("live", "paused", "retrying"). */
    async function follow(path, params, { signal, after, onRows, onState }) {
      let cursor = after;
      let failures = 0;
      while (!signal.aborted) {
        if (document.hidden) {
          onState("paused");
          await shown(signal);
          continue;
        }
        const turn = new AbortController();
        const stop = () => turn.abort();
        const hide = () => document.hidden && turn.abort();
        signal.addEventListener("abort", stop);
        document.addEventListener("visibilitychange", hide);
        const began = Date.now();
        try {
          const answer = await call("GET", path, {
            params: { limit: 1, ...params, after: cursor, wait: WAIT_SECONDS, count: 1 },
            signal: turn.signal,
          });
          failures = 0;
          onState("live");
          const rows = answer[path] || [];
          if (typeof answer.last === "number") cursor = answer.last;
          if (rows.length) await onRows(rows, answer);
          if (rows.length || Date.now() - began < AGAIN_MS) await pause(AGAIN_MS, turn.signal);
        } catch (error) {
          if (error.name !== "AbortError") {
            failures += 1;
            onState("retrying");
            await pause(Math.min(250 * 2 ** failures, 15000), signal);
          }
        } finally {
          signal.removeEventListener("abort", stop);
          document.removeEventListener("visibilitychange", hide);
        }
      }
    }

    return {
      kind: "live",
      base,
      root: base.replace(/\/$/, ""),
      get: (path, params, options = {}) => call("GET", path, { ...options, params }),
      send,
      about,
      follow,
      address,
    };
  }

  function shown(signal) {
    return new Promise((resolve) => {
      const look = () => {
        if (document.hidden && !signal.aborted) return;
        document.removeEventListener("visibilitychange", look);
        signal.removeEventListener("abort", look);
        resolve();
      };
      document.addEventListener("visibilitychange", look);
      signal.addEventListener("abort", look);
    });
  }

  /** The same answers out of one run document, without a request; what a run does not hold is a Problem with status 404. */
  function report(run) {
    const verdicts = (run.scenarios || []).flatMap((scenario) => scenario.verdicts || []);
    const FIELDS = {
      namespace: "ns",
      message_id: "message_id",
      outcome: "outcome",
      event: "event_key",
      visitor_id: "visitor_id",
    };

    async function get(path, params = {}) {
      if (path === "runs") {
        const { scenarios: _scenarios, ...head } = run;
        return { runs: [{ ...head, scenarios: undefined }], next: null, last: null, dropped: 0 };
      }
      if (path.startsWith("runs/")) return run;
      if (path === "verdicts") {
        const wanted = Object.entries(FIELDS).filter(([, name]) => params[name] && params[name] !== "*");
        const found = verdicts
          .filter((one) => wanted.every(([field, name]) => String(one[field]) === params[name]))
          .filter((one) => !params.q || JSON.stringify(one).toLowerCase().includes(params.q.toLowerCase()));
        return { verdicts: found.reverse().slice(0, params.limit || 100), next: null, last: null, dropped: 0 };
      }
      throw new Problem(
        404,
        "not_in_report",
        "A report holds one run and its verdicts; start the sandbox to see the rest.",
      );
    }

    return {
      kind: "report",
      base: run.emulator || "",
      root: (run.emulator || "").replace(/\/$/, ""),
      get,
      send: get,
      about: async () => ({ forwarder: null, token: null }),
      follow: async () => {},
      address: () => null,
    };
  }

  /** What this page is: a report when run data stands in it, else a window on the emulator that served it. */
  function open() {
    const data = document.getElementById("run-data");
    if (data) return report(JSON.parse(data.textContent));
    const root = location.pathname.replace(/[^/]*$/, "").replace(/^\/ns\/[^/]+\//, "/");
    return live(location.origin + root);
  }

  o.data = { open, Problem };
})((globalThis.optilocal = globalThis.optilocal || {}));
