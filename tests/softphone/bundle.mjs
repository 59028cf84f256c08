// Builds what the pages of the browser tests load, beside the packages: the vendor's SDK as published (sdk-9.js, with
// streaming-client 17 in it), and the same SDK on streaming-client 19 (sdk-19.js), which behaves
// differently when a token dies.
//
// Run by tests/run in the folder where the packages are.

import { copyFileSync } from 'node:fs';

import { build } from 'esbuild';

copyFileSync('node_modules/genesys-cloud-webrtc-sdk/dist/genesys-cloud-webrtc-sdk.bundle.js', 'sdk-9.js');
await build({
  stdin: { contents: "export { GenesysCloudWebrtcSdk } from 'genesys-cloud-webrtc-sdk';", resolveDir: '.' },
  bundle: true,
  format: 'iife',
  globalName: 'GenesysCloudWebrtcSdk',
  define: { global: 'globalThis' },
  // What other bundlers put in the place of node's own.
  banner: { js: 'globalThis.process ??= { env: {}, nextTick: (act, ...words) => queueMicrotask(() => act(...words)) };' },
  outfile: 'sdk-19.js',
  logLevel: 'warning',
});
