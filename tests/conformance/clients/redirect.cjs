// Leads connections to Google's host to the front, in this process only; names stay as they are.
const tls = require("node:tls");

const connect = tls.connect;
tls.connect = function (options, ...rest) {
  if (options.host === "commentanalyzer.googleapis.com" && Number(options.port) === 443) {
    const port = Number(process.env.FRONT_PORT);
    options = { ...options, host: "127.0.0.1", port, servername: options.host };
  }
  return connect.call(this, options, ...rest);
};
