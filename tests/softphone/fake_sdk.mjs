// A scripted softphone SDK and the platform behind it, for the companion's tests that need no browser. It behaves as the
// vendor's SDK was observed to behave in two generations (9.2: tries twice, then gives up without a word; 14: gives up at
// the first refusal and says so), with its pauses a twentieth as long.
//
// Must never: be kinder than the real one. What the real one breaks (a lost session, a second socket, automatic reconnecting
// that stays off) breaks here too.

import { EventEmitter } from 'node:events';

export const PAUSE_MS = 100; // 2 s of the real one
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The platform as the SDK meets it: which tokens are good, what is refused, which sockets are open. */
export class Platform {
  constructor() {
    this.good = new Set();
    this.refuse = null; // 'handshake': the socket is refused as a network error; 'station': row 9 of the sequence fails
    this.sockets = new Set();
    this.peak = 0; // most sockets at once
    this.opened = 0;
    this.asked = []; // HTTP calls: [token, path, status]
    this.away = false;
    this.calls = new Map();
  }
  http(token, path) {
    if (this.away) throw new TypeError('Failed to fetch');
    const status = this.good.has(token) ? 200 : 401;
    this.asked.push([token, path, status]);
    return status;
  }
  open(client) {
    const socket = { client, close: () => this.sockets.delete(socket) };
    this.sockets.add(socket);
    this.opened += 1;
    this.peak = Math.max(this.peak, this.sockets.size);
    return socket;
  }
  /** Closes every socket from the far side. */
  cut() {
    for (const socket of [...this.sockets]) {
      this.sockets.delete(socket);
      socket.client.lost();
    }
  }
  revoke(token) {
    this.good.delete(token);
  }
  /** What `fetch` in the page answers. */
  fetch = async (url, { headers }) => {
    const path = url.replace(/^.*\/api\/v2/, '');
    const status = this.http(headers.authorization.replace('Bearer ', ''), path);
    const call = path.match(/^\/conversations\/calls\/(.+)$/)?.[1];
    if (call && status === 200) return { status, json: async () => this.calls.get(call) };
    return { status, json: async () => ({}) };
  };
}

const refusal = (url) => Object.assign(new Error('401'), { name: 'AxiosError', response: { status: 401 }, config: { url } });

class Streaming extends EventEmitter {
  constructor(sdk) {
    super();
    Object.assign(this, { sdk, connected: false, connecting: false, hardReconnectRequired: true, autoReconnect: true });
    this.config = { authToken: sdk._config.accessToken };
    this._webrtcSessions = { iceServers: [] };
    this.tried = false;
    this.cancelConnectionAttempt = false;
  }
  get old() {
    return this.sdk.generation === 9;
  }
  async connect() {
    this.cancelConnectionAttempt = false;
    if (this.connecting) return;
    this.connecting = true; // and it stays so when this ends badly
    let pause = PAUSE_MS;
    if (this.tried) await sleep(pause);
    this.tried = true;
    for (;;) {
      try {
        return await this.makeConnectionAttempt();
      } catch (error) {
        const final = error.response?.status === 401 || (error.condition && !this.old) || (this.cancelConnectionAttempt && !this.old);
        if (error.condition) this.hardReconnectRequired = true;
        if (final) throw error.condition ? Object.assign(new Error('invalid token'), { type: 'invalid_token', details: error }) : error;
      }
      pause *= 2;
      await sleep(pause);
    }
  }
  async makeConnectionAttempt() {
    const { platform } = this.sdk;
    const cancelled = () => {
      if (!this.old && this.cancelConnectionAttempt) throw new Error('cancelled');
    };
    cancelled();
    if (this.hardReconnectRequired) {
      if (platform.http(this.config.authToken, '/notifications/channels') === 401) throw refusal('notifications/channels');
      Object.assign(this, { hardReconnectRequired: false, autoReconnect: true, channel: Math.random() });
    }
    await sleep(2);
    cancelled();
    if (platform.refuse === 'handshake') throw new Error('network');
    if (!platform.good.has(this.config.authToken)) throw Object.assign(new Error('sasl'), { condition: 'not-authorized' });
    this.activeStanzaInstance = platform.open(this);
    Object.assign(this, { connected: true, connecting: false });
    this._webrtcSessions.iceServers = [{ urls: 'stun:127.0.0.1' }];
    this.emit('connected');
  }
  lost() {
    Object.assign(this, { connected: false, connecting: false, activeStanzaInstance: undefined });
    this.emit('disconnected', { reconnecting: this.autoReconnect });
    if (!this.autoReconnect) return;
    this.connect().catch((error) => {
      // What the browser makes of a promise that nobody catches.
      if (this.old) this.sdk.page.reject(error);
      else this.emit('disconnected', { reconnecting: false, error });
    });
  }
  async disconnect() {
    if (this.old && !this.activeStanzaInstance) return;
    this.cancelConnectionAttempt = true;
    this.autoReconnect = false;
    if (!this.old) this.hardReconnectRequired = true;
    await sleep(2);
    this.activeStanzaInstance?.close();
    if (this.activeStanzaInstance) this.lost();
  }
}

/** One softphone of the agent `id`, with a page that hears unhandled rejections. */
export class FakeSdk extends EventEmitter {
  constructor(platform, token, { version = '9.2.4', id = 'agent-1', persistent = false } = {}) {
    super();
    this.setMaxListeners(50);
    Object.assign(this, { platform, VERSION: version, id, persistent, page: globalThis.page, initialised: 0 });
    this._config = { accessToken: token, environment: 'http://platform.test', allowedSessionTypes: ['softphone'] };
    this._streamingConnection = null;
    this.station = null;
    this.ended = []; // sessions that were ended by force
    this.live = [];
    this.media = new EventEmitter();
    this.media.getState = () => ({ hasMic: true, hasMicPermissions: true, micPermissionsRequested: true });
  }
  get generation() {
    return Number.parseInt(this.VERSION, 10);
  }
  get isInitialized() {
    return !!this._streamingConnection;
  }
  get connected() {
    return !!this._streamingConnection.connected;
  }
  isPersistentConnectionEnabled() {
    return this.persistent;
  }
  async initialize() {
    this.initialised += 1;
    if (this.platform.http(this._config.accessToken, '/users/me') === 401) throw refusal('users/me');
    this._personDetails = { id: this.id };
    if (this._streamingConnection?.connected) await this._streamingConnection.disconnect();
    const streaming = new Streaming(this);
    this._streamingConnection = streaming;
    streaming.on('connected', () => {
      this.emit('connected', { reconnect: !!streaming.before });
      streaming.before = true;
    });
    streaming.on('disconnected', (data) => this.emit('disconnected', 'Streaming API connection disconnected', this.generation > 9 ? data : undefined));
    await streaming.connect();
    const sessions = []; // whatever was there before is not known any more
    this.live = sessions;
    this.sessionManager = {
      pendingSessions: [],
      getAllSessions: () => sessions,
      getAllActiveConversations: () => sessions.filter((s) => s.talking).map((s) => ({ conversationId: s.conversationId, sessionId: s.id })),
    };
    const types = this._config.allowedSessionTypes;
    this._config.allowedSessionTypes = [];
    await sleep(2);
    if (this.platform.refuse === 'station') throw new Error('subscribing failed');
    if (types.includes('softphone')) this.station = { type: 'inin_webrtc_softphone' };
    this._config.allowedSessionTypes = types;
    this.emit('ready');
  }
  setAccessToken(token) {
    this._config.accessToken = token;
    if (this._streamingConnection) this._streamingConnection.config.authToken = token;
  }
  async disconnect() {
    return this._streamingConnection?.disconnect();
  }
  async forceTerminateSession(id) {
    if (this.connected) this.ended.push(id); // over a dead socket nobody hears of it
    this.live.splice(this.live.findIndex((s) => s.id === id), 1);
  }
  /** A call begins, as the SDK tells it. */
  talk(id = 'call-1') {
    this.sessionManager.pendingSessions.push({ id: `s-${id}`, conversationId: id }); // and there it stays
    const session = { id: `s-${id}`, conversationId: id, sessionType: 'softphone', talking: true, peerConnection: { connectionState: 'connected' } };
    this.live.push(session);
    this.emit('sessionStarted', session);
    return session;
  }
  hangUp(session) {
    session.talking = false;
    if (!this.persistent) this.live.splice(this.live.indexOf(session), 1);
    this.emit('sessionEnded', session);
  }
}
