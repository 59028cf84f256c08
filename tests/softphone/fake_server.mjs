// softlanding as a page meets it: the far end of the companion's WebSocket, scripted, in the same process.
//
// Must never: answer by itself what a test has not asked for, except for the hello.

/** The far end. `accepts(hello)` gives an agent's id, or null to refuse. */
export class FakeServer {
  constructor(accepts) {
    this.accepts = accepts;
    this.away = false;
    this.sockets = [];
    this.hellos = [];
    this.heard = [];
    this.dials = 0;
    this.sent = 0;
  }
  get socket() {
    return this.sockets.findLast((s) => s.readyState === 1);
  }
  tell(frame) {
    this.socket.deliver(frame);
  }
  /** Sends a command; its id. */
  order(what, more = {}) {
    const id = more.id ?? `c${(this.sent += 1)}`;
    this.tell({ type: 'command', id, do: what, ...more });
    return id;
  }
  done(id) {
    return this.heard.filter((f) => f.type === 'done' && f.id === id);
  }
  report() {
    return this.heard.findLast((f) => f.type === 'report');
  }
  hangUp() {
    for (const socket of this.sockets) socket.end();
  }
  /** The class that stands for the browser's. */
  get WebSocket() {
    const server = this;
    return class {
      constructor(url, protocol) {
        Object.assign(this, { url, protocol, readyState: 0 });
        server.dials += 1;
        server.sockets.push(this);
        setTimeout(() => {
          if (server.away || this.readyState !== 0) return this.end();
          this.readyState = 1;
          this.onopen?.();
        }, 1);
      }
      send(text) {
        const frame = JSON.parse(text);
        if (frame.type !== 'hello') return server.heard.push(frame);
        server.hellos.push(frame);
        const agent = server.accepts(frame);
        if (agent) this.deliver({ type: 'welcome', agent, key: `key-of-${agent}`, heartbeat_ms: 30000, enrol: server.enrol ?? null });
        else this.deliver({ type: 'refused', why: 'no', enrol: `${new URL(this.url).origin.replace(/^ws/, 'http')}/enrol` });
      }
      deliver(frame) {
        setTimeout(() => this.readyState === 1 && this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) }), 1);
      }
      end() {
        if (this.readyState === 3) return;
        this.readyState = 3;
        this.onclose?.({});
      }
      close() {
        this.readyState = 3;
      }
    };
  }
}
