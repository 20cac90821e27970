// Sends a story with @rudderstack/rudder-sdk-node; see drive.cjs for what it is handed.
const { drive, when } = require("./drive.cjs"); // first: it sets the clock that the client will read
const Analytics = require("@rudderstack/rudder-sdk-node");

drive(({ host, key, every }, gaveUp) => {
  const quiet = () => {}; // without a handler of its own, a batch that was given up ends the process
  const client = new Analytics(key, { dataPlaneUrl: host, errorHandler: quiet, ...(every ? { flushAt: every } : {}) });
  const done = (c) => (fault) => fault && gaveUp(c.n, fault);
  const say = {
    identify: (c) => client.identify({ userId: c.user, traits: c.traits }, done(c)),
    track: (c) => client.track({ userId: c.user, event: c.event, properties: c.properties, ...when(c) }, done(c)),
    page: (c) => client.page({ userId: c.user, category: c.category, name: c.name, properties: c.properties }, done(c)),
    screen: (c) => client.screen({ userId: c.user, category: c.category, name: c.name, properties: c.properties }, done(c)),
    group: (c) => client.group({ userId: c.user, groupId: c.group, traits: c.traits }, done(c)),
    alias: (c) => client.alias({ userId: c.user, previousId: c.previous }, done(c)),
  };
  const close = async () => {
    while (client.queue.length) await client.flush(); // one call sends one batch
    await client.pendingFlush;
    await new Promise((settled) => setTimeout(settled, 50)); // its callbacks come a turn later
  };
  return { say, close };
});
