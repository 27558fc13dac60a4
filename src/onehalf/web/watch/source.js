/** Where the views of runs come from: the page itself, or a server that says when they change. */

/** Open the source. `onRun(number, view)` hears of each view, `onState(name, sentence)` of the
 * connection: opening, open, lost, closed, ended, saved. */
export function openSource({ onRuns, onRun, onState }) {
  const saved = document.getElementById("views");
  if (saved) {
    onRuns(JSON.parse(saved.textContent));
    onState("saved");
  } else new LiveSource({ onRuns, onRun, onState }).open();
}

/** Views of a server: all of them once, and each again when the stream of events says so. */
class LiveSource {
  constructor(heard) {
    Object.assign(this, heard);
    this.revisions = new Map();
    this.busy = new Set();
  }

  async open() {
    this.onState("opening");
    try {
      const { runs } = await this.read("index.json");
      runs.forEach(({ revision }, number) => this.revisions.set(number, revision));
      this.onRuns(runs);
    } catch {
      this.onState("lost");
      setTimeout(() => this.open(), 2000);
      return;
    }
    this.listen();
  }

  async read(name) {
    const answer = await fetch(name);
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    return answer.json();
  }

  listen() {
    const events = new EventSource("events");
    events.addEventListener("open", () => this.onState("open"));
    events.addEventListener("run", ({ data }) => this.hear(JSON.parse(data)));
    events.addEventListener("end", () => {
      events.close();
      this.onState("ended");
    });
    events.addEventListener("error", () => {
      this.onState(events.readyState === EventSource.CLOSED ? "closed" : "lost");
    });
  }

  /** Read a run that has changed; what changes meanwhile is read afterwards. */
  async hear({ run, revision }) {
    this.wanted = { ...this.wanted, [run]: revision };
    if (this.busy.has(run)) return;
    this.busy.add(run);
    try {
      while (this.revisions.get(run) !== this.wanted[run]) {
        const asked = this.wanted[run];
        const view = await this.read(`run/${run}.json`);
        this.revisions.set(run, asked);
        this.onRun(run, view);
      }
    } catch {
      // the stream of events breaks as well, and says each revision again when it is back
    } finally {
      this.busy.delete(run);
    }
  }
}
