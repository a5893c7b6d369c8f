/* Expected beside captured: two JSON trees and the differences between them → rows aligned by path; pure functions. */
(function (o) {
  "use strict";

  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  /** JSON's own name of a value's type. */
  function typeOf(value) {
    if (value === undefined) return "absent";
    if (value === null) return "null";
    return Array.isArray(value) ? "list" : isObject(value) ? "object" : typeof value;
  }

  /** A matcher travels as an object whose one key begins with "!". */
  function isMatcher(value) {
    if (!isObject(value)) return false;
    const keys = Object.keys(value);
    return keys.length === 1 && keys[0].startsWith("!");
  }

  /** How a value is written in one line; a matcher as in the scenario file. */
  function show(value) {
    if (value === undefined) return "";
    if (isMatcher(value)) {
      const [name] = Object.keys(value);
      const inner = value[name];
      return inner === null || inner === true ? name : name + " " + JSON.stringify(inner);
    }
    return JSON.stringify(value);
  }

  function leaves(value) {
    if (isMatcher(value) || !(isObject(value) || Array.isArray(value))) return 1;
    return Object.values(value).reduce((sum, one) => sum + leaves(one), 0);
  }

  function alike(a, b) {
    if (isObject(a) && isObject(b) && !isMatcher(a)) {
      return Object.keys(a).reduce((sum, key) => sum + (Object.hasOwn(b, key) ? alike(a[key], b[key]) : 0), 0);
    }
    if (Array.isArray(a) && Array.isArray(b))
      return a.reduce((sum, one, i) => sum + (i < b.length ? alike(one, b[i]) : 0), 0);
    return isMatcher(a) || JSON.stringify(a) === JSON.stringify(b) ? 1 : 0;
  }

  /** Pair two lists that came in any order, most alike first: [[expected index or -1, captured index or -1]];
   *  `alone` says which expected ones the run itself found no partner for. */
  function pair(expected, captured, alone) {
    const scores = [];
    expected.forEach((one, i) => alone(i) || captured.forEach((two, j) => scores.push([alike(one, two), i, j])));
    scores.sort((a, b) => b[0] - a[0] || a[1] - b[1] || a[2] - b[2]);
    const left = new Map();
    const right = new Set();
    for (const [score, i, j] of scores) {
      if (score === 0 || left.has(i) || right.has(j)) continue;
      left.set(i, j);
      right.add(j);
    }
    const pairs = expected.map((_, i) => [i, left.has(i) ? left.get(i) : -1]);
    captured.forEach((_, j) => right.has(j) || pairs.push([-1, j]));
    return pairs;
  }

  const keyOf = (path) => JSON.stringify(path.map(String));

  /** Expected and captured with the run's difference records → rows in reading order:
   *  {path, depth, name, expected, captured, state, index}; expected and captured are absent where that side has nothing,
   *  undefined for a parent whose children follow. state: same, differs, missing, unexpected, extra (captured but not
   *  compared), matched (by a matcher), parent. index is the difference's place in `differences`, or -1. */
  function rows(expected, captured, differences) {
    const marked = new Map();
    differences.forEach((difference, i) => {
      const key = keyOf(difference.path || []);
      if (!marked.has(key)) marked.set(key, i);
    });
    const out = [];

    function leaf(path, name, row) {
      out.push({ path, depth: path.length - 1, name, ...row });
    }

    function walk(path, name, hasLeft, left, hasRight, right) {
      const index = marked.has(keyOf(path)) ? marked.get(keyOf(path)) : -1;
      const found = { index, expected: hasLeft ? left : undefined, captured: hasRight ? right : undefined };
      const both = hasLeft && hasRight;
      const lists = both && Array.isArray(left) && Array.isArray(right);
      const objects = both && isObject(left) && isObject(right) && !isMatcher(left);
      if (lists || objects) {
        if (path.length) leaf(path, name, { state: index < 0 ? "parent" : "differs", index, list: lists });
        if (objects) {
          for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
            walk([...path, key], key, Object.hasOwn(left, key), left[key], Object.hasOwn(right, key), right[key]);
          }
        } else {
          const anyOrder = path.length === 1 && path[0] === "received";
          const count = Math.max(left.length, right.length);
          const alone = (i) => {
            const at = marked.get(keyOf([...path, i]));
            return at !== undefined && differences[at].kind === "missing";
          };
          const pairs = anyOrder
            ? pair(left, right, alone)
            : Array.from({ length: count }, (_, i) => [i < left.length ? i : -1, i < right.length ? i : -1]);
          let next = left.length;
          for (const [i, j] of pairs) {
            const at = i >= 0 ? i : anyOrder ? next++ : j;
            walk([...path, at], at, i >= 0, left[i], j >= 0, right[j]);
          }
        }
        return;
      }
      let state;
      if (index >= 0) state = !hasLeft ? "unexpected" : !hasRight ? "missing" : "differs";
      else if (!hasLeft) state = "extra";
      else if (isMatcher(left)) state = "matched";
      else if (!hasRight) state = "missing";
      else state = JSON.stringify(left) === JSON.stringify(right) ? "same" : "extra";
      leaf(path, name, { ...found, state });
    }

    walk([], "", expected !== undefined, expected, captured !== undefined, captured);
    differences.forEach((difference, i) => place(out, difference.path || [], i));
    return out;
  }

  /** A difference inside a matcher has no row of its own: it marks the deepest row above it. */
  function place(out, path, index) {
    if (out.some((row) => row.index === index)) return;
    for (let length = path.length; length > 0; length -= 1) {
      const key = keyOf(path.slice(0, length));
      const row = out.find((one) => keyOf(one.path) === key);
      if (row) {
        if (row.index < 0) Object.assign(row, { index, state: "differs" });
        return;
      }
    }
  }

  /** Rows → the same rows, where a parent with one child that is a parent itself makes one row with it:
   *  `names` holds the path's parts that the row stands for. */
  function compact(all) {
    const out = all.map((row) => ({ ...row, names: [row.name] }));
    for (let i = 0; i < out.length - 1; i += 1) {
      const row = out[i];
      const child = out[i + 1];
      if (row.state !== "parent" || child.state !== "parent" || child.depth !== row.depth + 1) continue;
      let end = i + 1;
      let children = 0;
      while (end < out.length && out[end].depth > row.depth) {
        if (out[end].depth === child.depth) children += 1;
        end += 1;
      }
      if (children !== 1) continue;
      out.splice(i, 2, { ...child, depth: row.depth, names: [...row.names, child.name] });
      for (let j = i + 1; j < end - 1; j += 1) out[j] = { ...out[j], depth: out[j].depth - 1 };
      i -= 1;
    }
    return out;
  }

  const QUIET = new Set(["same", "extra", "matched", "parent"]);

  /** Rows → the same rows with quiet stretches folded: {fold: [rows], count} for three or more leaves without a difference.
   *  Parents of a row that differs stay, so that a difference never stands without its place. */
  function fold(all) {
    const keep = new Set();
    all.forEach((row, i) => {
      if (QUIET.has(row.state)) return;
      keep.add(i);
      let depth = row.depth;
      for (let j = i - 1; j >= 0 && depth > 0; j -= 1) {
        if (all[j].depth < depth) {
          keep.add(j);
          depth = all[j].depth;
        }
      }
    });
    const out = [];
    let quiet = [];
    const flush = () => {
      const count = quiet.filter((row) => row.state !== "parent").length;
      if (quiet.length >= 3) out.push({ fold: quiet, count });
      else out.push(...quiet);
      quiet = [];
    };
    all.forEach((row, i) => {
      if (!keep.has(i)) {
        quiet.push(row);
        return;
      }
      flush();
      out.push(row);
    });
    flush();
    return out;
  }

  o.diff = { rows, compact, fold, show, typeOf, isMatcher };
})((globalThis.optilocal = globalThis.optilocal || {}));
