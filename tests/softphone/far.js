// The far end of a call in a page of its own: plain WebRTC, a tone for a voice, and the twin in the middle for the words.
//
//   const far = await answerAsFarEnd('ws://127.0.0.1:PORT/twin/far/CONVERSATION');
//   await far.connected;             // resolves when the connection is up
//   await far.stats();               // { packetsSent, packetsReceived, connection }
//   far.hangUp(); far.close();
//
// Must never: talk to the softphone's page itself; whatever both know of each other went through the twin.

/** Resolves once every candidate is known, so that the offer needs no others after it. */
function gathered(connection) {
  if (connection.iceGatheringState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    connection.addEventListener('icegatheringstatechange', () => {
      if (connection.iceGatheringState === 'complete') resolve();
    });
  });
}

/** With a granted microphone a browser tells plain addresses; without, names that the SDK drops (SOFTPHONE.md section 4). */
async function tellPlainAddresses() {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch {
    return null;
  }
}

function tone(hertz) {
  const audio = new AudioContext();
  const oscillator = audio.createOscillator();
  oscillator.frequency.value = hertz;
  const out = audio.createMediaStreamDestination();
  oscillator.connect(out);
  oscillator.start();
  audio.resume();
  return { track: out.stream.getAudioTracks()[0], stream: out.stream, stop: () => audio.close() };
}

/** A candidate as the softphone writes it: `m=<mid> 9 RTP/AVP 0`, then `a=candidate:…`. */
function candidateOf(fragment) {
  const mid = /m=(\S+)/.exec(fragment);
  const line = /a=(candidate:[^\r\n]+)/.exec(fragment);
  return mid && line ? { sdpMid: mid[1], candidate: line[1] } : null;
}

/** Attends a call until it ends. `url` is what the twin's `ring` has given as `far`. */
export async function answerAsFarEnd(url, { hertz = 440 } = {}) {
  const microphone = await tellPlainAddresses();
  const voice = tone(hertz);
  const connection = new RTCPeerConnection();
  connection.addTrack(voice.track, voice.stream);
  const heard = document.createElement('audio');
  heard.autoplay = true;
  connection.addEventListener('track', (event) => { heard.srcObject = event.streams[0] ?? new MediaStream([event.track]); });
  const socket = new WebSocket(url);
  const words = [];
  const early = [];
  let ended;
  const end = new Promise((resolve) => { ended = resolve; });
  const connected = new Promise((resolve, reject) => {
    connection.addEventListener('connectionstatechange', () => {
      if (connection.connectionState === 'connected') resolve();
      if (connection.connectionState === 'failed') {
        reject(new Error('the connection has failed'));
        hangUp();
      }
    });
  });
  connected.catch(() => {});

  function hangUp() {
    if (socket.readyState === WebSocket.OPEN) socket.send('{"end":true}');
  }

  async function stats() {
    const told = { packetsSent: 0, packetsReceived: 0, connection: connection.connectionState };
    (await connection.getStats()).forEach((row) => {
      if (row.type === 'outbound-rtp') told.packetsSent += row.packetsSent;
      if (row.type === 'inbound-rtp') told.packetsReceived += row.packetsReceived;
    });
    return told;
  }

  async function add(fragment) {
    const candidate = candidateOf(fragment ?? '');
    if (candidate) await connection.addIceCandidate(candidate).catch(() => {});
  }

  async function hear(word) {
    words.push(word.do);
    if (word.do === 'offer') {
      await connection.setLocalDescription(await connection.createOffer());
      await gathered(connection);
      socket.send(JSON.stringify({ offer: connection.localDescription.sdp }));
    } else if (word.do === 'answer') {
      await connection.setRemoteDescription({ type: 'answer', sdp: word.sdp });
      await Promise.all(early.splice(0).map(add));
    } else if (word.do === 'candidate') {
      if (connection.remoteDescription) await add(word.sdp);
      else early.push(word.sdp);
    } else if (word.do === 'end') {
      close();
    }
  }

  const report = setInterval(async () => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ stats: await stats() }));
  }, 500);

  function close() {
    clearInterval(report);
    connection.close();
    voice.stop();
    microphone?.getTracks().forEach((track) => track.stop());
    socket.close();
    ended();
  }

  // One word at a time, in their order.
  let turn = Promise.resolve();
  socket.addEventListener('message', (event) => {
    turn = turn.then(() => hear(JSON.parse(event.data))).catch((error) => words.push(String(error)));
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('the twin refuses the far end')));
  });
  return { connection, connected, ended: end, words, stats, close, hangUp };
}
