// The companion's types. Nothing here needs the SDK's own types.

/** What the companion uses of the vendor's softphone SDK (genesys-cloud-webrtc-sdk, 9.2 to 14). */
export interface SoftphoneSdk {
  on(event: any, listener: (...args: any[]) => void): unknown;
  removeListener(event: any, listener: (...args: any[]) => void): unknown;
  initialize(...args: any[]): Promise<unknown>;
  disconnect(): Promise<unknown> | unknown;
  setAccessToken(token: string): void;
  forceTerminateSession(sessionId: string): Promise<unknown>;
  readonly connected: boolean;
  readonly isInitialized: boolean;
  readonly VERSION?: string;
}

/**
 * How the companion stands with softlanding; it says nothing about the softphone.
 *
 * - `connecting`: not yet known to softlanding in this page's life
 * - `connected`: commands can come
 * - `away`: softlanding cannot be reached, or closed the connection; it is called again, and nothing else happens
 * - `sign_in_needed`: the agent has to sign in once; softlanding either does not know whose page this is, or knows it and has
 *   no grant of the agent, so that it can watch but not refresh
 * - `detached`: `detach()` was called
 */
export type CompanionState = 'connecting' | 'connected' | 'away' | 'sign_in_needed' | 'detached';

/** Shows words to the agent in the page's own way, instead of the companion's banner. */
export interface Banner {
  /** `act` is to be called when the agent presses the button named `button`. Replaces what is shown. */
  show(words: string, button: string, act: () => void): void;
  hide(): void;
}

export interface CompanionOptions {
  /** Where softlanding is, as its `[web] public_url` has it: `https://softlanding.example.com`. */
  server: string;
  /** A page key, where the page's owner has one. One that was kept from an earlier page goes first. */
  key?: string;
  /** Called at every change of the state. What it throws is ignored. */
  onState?: (state: CompanionState) => void;
  /** `false`: show nothing; softlanding is then told that a notice could not be shown. */
  banner?: boolean | Banner;
  /** Bounds to be changed, by their names in the module; for tests. */
  limits?: Record<string, number>;
}

export interface Companion {
  readonly state: CompanionState;
  /** Takes away listeners, timers, the socket and the banner. The SDK instance stays as it is. */
  detach(): void;
}

/**
 * Puts a companion beside the SDK instance that is the agent's softphone. Before or after `initialize()`, once per page;
 * attaching again to the same instance replaces the companion that was there.
 *
 * Throws only when `server` is no URL.
 */
export function attach(sdk: SoftphoneSdk, options: CompanionOptions): Companion;
