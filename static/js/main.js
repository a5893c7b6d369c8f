/* The way from an address to a page, and from one page to the next. */
(function (o) {
  "use strict";

  let leaving = null;
  let first = true;
  let place = "";

  const main = () => document.getElementById("main");

  function trouble(problem) {
    const gone = problem.status === 0;
    return o.h(
      "div",
      { class: "page" },
      o.h(
        "h1",
        {},
        gone ? "The emulator does not answer" : problem.status === 404 ? "Not here" : "This could not be shown",
      ),
      o.empty(
        gone ? "Not connected" : problem.message,
        gone ? "The page looks again by itself. If the sandbox was stopped, start it:" : null,
        gone ? "optilocal up" : null,
      ),
    );
  }

  /** Shows the view that the hash names. A view gets {route, signal, show, title, live, patch} and fills the page. */
  async function go() {
    if (leaving) leaving.abort();
    const stay = (leaving = new AbortController());
    const route = (o.current = o.route.parse(location.hash));
    const here = route.page + "/" + route.parts.join("/");
    const moved = here !== place;
    place = here;
    o.shell.arrive();
    if (o.source.kind === "live") o.shell.connection("still");
    const view = (Object.hasOwn(o.views, route.page) && o.views[route.page]) || o.views.runs;
    const page = {
      route,
      signal: stay.signal,
      /** Put these nodes on the page; on the same page focus and folds stay where they are. */
      show(...nodes) {
        if (stay.signal.aborted) return;
        const page = o.h("div", { class: "page" }, nodes);
        if (moved) main().replaceChildren(page);
        else o.refill(main(), page);
      },
      title: (text) => (document.title = text + " · optilocal"),
      /** Follow a listing until the reader leaves, or until a signal of the view's own. */
      live(path, params, after, onRows, signal = stay.signal) {
        if (o.source.kind !== "live" || signal.aborted) return;
        o.shell.connection(document.hidden ? "paused" : "live");
        o.source.follow(path, params, {
          signal,
          after,
          onRows: (rows, answer) => signal.aborted || onRows(rows, answer),
          onState: o.shell.connection,
        });
      },
      /** Change the address without a new page. */
      patch(params) {
        Object.assign(route.params, params);
        for (const name of Object.keys(params))
          if (route.params[name] === "" || route.params[name] === null) delete route.params[name];
        history.replaceState(history.state, "", o.route.format(route));
        o.shell.stay();
      },
    };
    try {
      await view(page);
      if (!first && moved && !stay.signal.aborted) arrived();
    } catch (error) {
      if (error.name === "AbortError" || stay.signal.aborted) return;
      if (!(error instanceof o.data.Problem)) {
        // What was posted may be odd in a way that no check foresaw: the other pages must go on working.
        console.error(error);
        page.show(trouble({ message: `This page cannot be shown: ${error.message}. Its data is there as JSON.` }));
        first = false;
        return;
      }
      page.show(trouble(error));
      if (error.status === 0) {
        o.shell.connection("retrying");
        const timer = setTimeout(o.reload, 1000);
        stay.signal.addEventListener("abort", () => clearTimeout(timer));
      }
    }
    first = false;
  }

  /** After a move the focus goes to the page's heading, unless the page has put it somewhere better. */
  function arrived() {
    if (main().contains(document.activeElement) && document.activeElement !== main()) return;
    const head = main().querySelector("h1");
    if (!head) return;
    head.setAttribute("tabindex", "-1");
    head.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  o.reload = go;
  o.source = o.data.open();
  o.current = o.route.parse(location.hash);
  o.shell.build();
  o.strip.watch();
  o.keys.listen();
  addEventListener("hashchange", go);
  go();
})((globalThis.optilocal = globalThis.optilocal || {}));
