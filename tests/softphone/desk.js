// An agent's desk in a test: the vendor's real SDK, what happened to it, and the companion beside it where one is wanted.
//
// Must never: help the softphone. What it does by itself or with the companion is what is tested.

const events = [];
let sdk, companion, lines = [];
const note = (name, more) => events.push({ at: Math.round(performance.now()), name, more });
addEventListener('unhandledrejection', (event) => note('unhandledrejection', String(event.reason?.message ?? event.reason)));

globalThis.desk = {
  async start({ token, twin, server, silent = false }) {
    const Sdk = GenesysCloudWebrtcSdk.GenesysCloudWebrtcSdk;
    sdk = new Sdk({
      accessToken: token, environment: twin, wsHost: twin.replace(/^http/, 'ws'), optOutOfTelemetry: true, logLevel: 'error',
      disableAutoAnswer: true, allowedSessionTypes: ['softphone'],
    });
    for (const name of ['ready', 'connected', 'disconnected', 'station', 'sdkError', 'pendingSession', 'sessionStarted', 'sessionEnded']) {
      sdk.on(name, (what) => note(name, name === 'sdkError' ? `${what?.type}: ${what?.message}` : undefined));
    }
    sdk.on('sessionStarted', (session) => lines.push(session.peerConnection));
    await sdk.initialize();
    // Only now can it be asked for (SOFTPHONE.md section 2).
    if (!silent) await sdk.media.requestMediaPermissions('audio');
    if (server) await this.attach(server);
  },
  async attach(server, more = {}) {
    const { attach } = await import(`${server}/companion/v1.js`);
    companion = attach(sdk, { server, onState: (state) => note('companion', state), ...more });
  },
  detach: () => companion.detach(),
  companion: () => companion?.state ?? null,
  setToken: (token) => sdk.setAccessToken(token),
  connected: () => sdk.connected,
  story() {
    return { events: events.map((e) => `${e.at} ${e.name} ${e.more ?? ''}`), sockets: this.sockets(), companion: companion?.state, connected: sdk?.connected };
  },
  events: (name) => events.filter((event) => event.name === name).length,
  sockets: () => globalThis.softphoneSockets,
  rings: (conversationId) => sdk.sessionManager.pendingSessions.some((ring) => ring.conversationId === conversationId),
  answer: (conversationId) => sdk.acceptPendingSession({ conversationId }),
  sessions: () => sdk.sessionManager.getAllSessions().length,
  /** Tries an HTTP call as the softphone does; its status. */
  async http() {
    const answer = await fetch(`${sdk._config.environment}/api/v2/users/me`, { headers: { authorization: `Bearer ${sdk._config.accessToken}` } });
    return answer.status;
  },
  /** Packets of the last call's connection, whether the SDK still knows it or not. */
  async packets() {
    const counts = { packetsReceived: 0, packetsSent: 0 };
    for (const row of (await lines.at(-1)?.getStats())?.values() ?? []) {
      if (row.type === 'inbound-rtp') counts.packetsReceived += row.packetsReceived;
      if (row.type === 'outbound-rtp') counts.packetsSent += row.packetsSent;
    }
    return counts;
  },
};
