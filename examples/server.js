/**
 * A server that classifies: POST `{ "text": "…" }`. Requests that arrive while the model is busy share its next batch, which is
 * faster than one batch per request. After SIGTERM, the server answers all accepted requests before it ends.
 */
import { createServer } from 'node:http';
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { AlbertError, pipeline } from 'albert-wasm';

const MAX_BYTES = 64 * 1024;
const MAX_WAITING = 1000;

/** The status codes of errors that the client caused; all others are 500. */
const STATUS = { ERR_INPUT: 400, ERR_TOO_LONG: 413 };

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// In a worker, so that the server can accept and refuse requests while the model computes.
const classify = await pipeline('sentiment-analysis', sst2, { dtype: 'int8', worker: true });

/** Texts that wait for a batch, each with the functions that settle its request. */
const waiting = [];
let running = false;

function answer(text) {
  if (waiting.length >= MAX_WAITING) throw new Refusal(503, 'too many requests are waiting');
  return new Promise((resolve, reject) => {
    waiting.push({ text, resolve, reject });
    if (!running) run();
  });
}

async function run() {
  running = true;
  while (waiting.length > 0) {
    const batch = waiting.splice(0, 32);
    try {
      const answers = await classify(batch.map(({ text }) => text));
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i]);
    } catch {
      // One text of the batch caused the error: the others must still be answered.
      await Promise.all(batch.map(({ text, resolve, reject }) => classify(text).then(resolve, reject)));
    }
  }
  running = false;
}

async function readBody(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Refusal(413, `at most ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (cause) {
    throw new Refusal(400, `the body is not JSON: ${cause.message}`);
  }
}

const server = createServer(async (request, response) => {
  const send = (status, body) => {
    // The rest of a refused body need not be read.
    if (!request.complete) response.setHeader('connection', 'close');
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  };
  try {
    if (request.method !== 'POST') throw new Refusal(405, 'POST a JSON object with a text');
    const body = await readBody(request);
    const [best] = await answer(body?.text);
    send(200, best);
  } catch (error) {
    const status = error.status ?? (error instanceof AlbertError ? STATUS[error.code] : undefined) ?? 500;
    if (status === 500) console.error(error);
    send(status, { error: status === 500 ? 'internal error' : error.message, code: error.code });
  }
});

server.listen(Number(process.env.PORT ?? 8080), () => console.log(`http://localhost:${server.address().port}`));

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    // The callback runs after the last response; then nothing keeps the process alive.
    server.close(() => classify.dispose());
  });
}
