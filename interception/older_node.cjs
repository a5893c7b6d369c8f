// For Node.js older than 22.21 and 24.5, which heeds no proxy variable in https.request and fetch: what is to go to a real
// host of Optimizely or Segment goes to the sandbox's listener for TLS instead, under the same name and with the same
// certificate check. `optilocal exec` has Node load this file with NODE_OPTIONS=--require; newer versions use the proxy.
"use strict";

const given = process.env.OPTILOCAL_TLS || "";
const [, host, port] = /^(.*):(\d+)$/.exec(given) || [];

if (port && !process.allowedNodeEnvironmentFlags.has("--use-env-proxy")) {
  const tls = require("node:tls");
  const net = require("node:net");
  const caught = new Set((process.env.OPTILOCAL_HOSTS || "").split(","));
  const only = process.env.OPTILOCAL_ONLY === "1";
  const connect = tls.connect;

  const isLoopback = (name) =>
    name === "localhost" || name.endsWith(".localhost") || name === "::1" || (net.isIPv4(name) && name.startsWith("127."));

  // tls.connect(options), (port, options), (port, host, options), each with a callback at the end.
  tls.connect = function (...args) {
    const callback = args.find((arg) => typeof arg === "function");
    const options = { ...args.find((arg) => arg !== null && typeof arg === "object") };
    if (typeof args[0] === "number" || typeof args[0] === "string") options.port = args[0];
    if (typeof args[1] === "string") options.host = args[1];
    const name = String(options.servername || options.host || "localhost").toLowerCase();
    // Over a socket that is open already, or a path, nothing is to be decided here.
    if (options.socket || options.path || isLoopback(name) || !(caught.has(name) || only)) {
      return connect.apply(this, args);
    }
    // Under --only a name that is not caught is refused by the listener, which tells of it.
    const turned = { ...options, host, port: Number(port), servername: name };
    delete turned.lookup;
    return callback ? connect.call(this, turned, callback) : connect.call(this, turned);
  };
  require("node:module").syncBuiltinESMExports();
}
