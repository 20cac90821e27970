// Sends a story with posthog-node; see drive.cjs for what it is handed.
const { drive, when } = require("./drive.cjs"); // first: it sets the clock that the client will read
const { PostHog } = require("posthog-node");

drive(({ host, key, every }, gaveUp) => {
  const client = new PostHog(key, { host, ...(every ? { flushAt: every } : {}) });
  client.on("error", (fault) => gaveUp(null, fault));
  const say = {
    identify: (c) => client.identify({ distinctId: c.user, properties: { $set: c.traits } }),
    set: (c) => client.capture({ distinctId: c.user, event: "$set", properties: { $set: c.traits } }),
    capture: (c) => client.capture({ distinctId: c.user, event: c.event, properties: c.properties, ...when(c) }),
    pageview: (c) =>
      client.capture({ distinctId: c.user, event: "$pageview", properties: { ...c.properties, title: c.name } }),
    group: (c) =>
      client.groupIdentify({ groupType: "company", groupKey: c.group, properties: c.traits, distinctId: c.user }),
    alias: (c) => client.alias({ distinctId: c.user, alias: c.previous }),
  };
  return { say, close: () => client.shutdown(60000) };
});
