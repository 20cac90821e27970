// What the drivers of Node's clients share: reads the task, says each call in its time, tells what was said and lost.
//
// The task is JSON on standard input: host, key, calls, pause (ms between calls), off (ms by which the clock is wrong),
// every (events that make a batch; the client's own number where it is 0), and gates (which calls wait, by their places
// from 0, until which file is there). A line of JSON is written for each call said, {"said": n, "at": true time in UTC
// ms}, for each that the client tells to have given up, {"lost": n, "why": kind} (n is null where it does not tell
// which), and at the end {"done": true}.
const fs = require("node:fs");

const task = JSON.parse(fs.readFileSync(0, "utf8"));
const TrueDate = Date;

function tell(line) {
  fs.writeSync(1, JSON.stringify(line) + "\n");
}

function putClockOff(off) {
  globalThis.Date = class extends TrueDate {
    constructor(...given) {
      if (given.length) super(...given);
      else super(TrueDate.now() + off);
    }
    static now() {
      return TrueDate.now() + off;
    }
  };
}

if (task.off) putClockOff(task.off);

exports.when = (call) => (call.at ? { timestamp: new TrueDate(call.at) } : {}); // when it says that it happened

exports.drive = async (open) => {
  const client = open(task, (n, fault) => tell({ lost: n, why: String((fault && (fault.code || fault.name)) || fault) }));
  for (const [place, call] of task.calls.entries()) {
    while (task.gates[place] && !fs.existsSync(task.gates[place])) await new Promise((done) => setTimeout(done, 50));
    const at = TrueDate.now();
    client.say[call.kind](call);
    tell({ said: call.n, at });
    if (task.pause) await new Promise((done) => setTimeout(done, task.pause));
  }
  await client.close();
  tell({ done: true });
  process.exit(0); // some keep sockets or timers open
};
