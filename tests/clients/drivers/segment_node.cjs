// Sends a story with @segment/analytics-node; see drive.cjs for what it is handed.
const { drive, when } = require("./drive.cjs"); // first: it sets the clock that the client will read
const { Analytics } = require("@segment/analytics-node");

drive(({ host, key, every }, gaveUp) => {
  const client = new Analytics({ writeKey: key, host, ...(every ? { flushAt: every } : {}) });
  const done = (c) => (fault) => fault && gaveUp(c.n, fault);
  const say = {
    identify: (c) => client.identify({ userId: c.user, traits: c.traits }, done(c)),
    track: (c) => client.track({ userId: c.user, event: c.event, properties: c.properties, ...when(c) }, done(c)),
    page: (c) => client.page({ userId: c.user, category: c.category, name: c.name, properties: c.properties }, done(c)),
    screen: (c) => client.screen({ userId: c.user, category: c.category, name: c.name, properties: c.properties }, done(c)),
    group: (c) => client.group({ userId: c.user, groupId: c.group, traits: c.traits }, done(c)),
    alias: (c) => client.alias({ userId: c.user, previousId: c.previous }, done(c)),
  };
  return { say, close: () => client.closeAndFlush({ timeout: 60000 }) };
});
