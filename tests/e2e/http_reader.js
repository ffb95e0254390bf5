// http_reader.js - what Node's HTTP parser, strict or lenient, reads.
//
// `node http_reader.js requests|responses strict|lenient FOLDER`: a JSON list
// on standard input, one on standard output. A request stream is base64; a
// response is {method, said}. Each is sent over a socket of its own.
'use strict';
const http = require('http');
const net = require('net');

const [, , kind, manner, folder] = process.argv;
const insecureHTTPParser = manner === 'lenient';
const path = `${folder}/node-${kind}-${manner}.sock`;
const text = (buffer) => buffer.toString('latin1');

function collect(message, done) {
  const parts = [];
  message.on('data', (part) => parts.push(part));
  message.on('end', () => done(text(Buffer.concat(parts))));
}

async function requests(streams) {
  let read;
  const server = http.createServer({ insecureHTTPParser }, (request, response) => {
    collect(request, (body) => {
      read.requests.push({ method: request.method, target: request.url,
        host: request.headers.host, body });
      response.end();
    });
  });
  server.on('clientError', (error, socket) => {
    read.fault = error.code;
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  await new Promise((resolve) => server.listen(path, resolve));
  const all = [];
  for (const stream of streams) {
    read = { requests: [], fault: null };
    await new Promise((resolve) => {
      const socket = net.connect(path);
      socket.on('error', () => {});
      socket.on('close', resolve);
      socket.resume();
      socket.end(Buffer.from(stream, 'base64'));
    });
    all.push(read);
  }
  server.close();
  return all;
}

async function responses(list) {
  let said;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(said));
  });
  await new Promise((resolve) => server.listen(path, resolve));
  const all = [];
  for (const { method, said: bytes } of list) {
    said = Buffer.from(bytes, 'base64');
    all.push(await new Promise((resolve) => {
      const request = http.request({ socketPath: path, method, path: '/',
        insecureHTTPParser, agent: false, maxHeaderSize: 1 << 20 });
      const broken = (error) => resolve({ fault: error.code || 'cut short' });
      request.on('error', broken);
      request.on('upgrade', () => broken({ code: 'upgraded' }));
      request.on('response', (response) => {
        response.on('error', broken);
        collect(response, (body) => resolve({ status: response.statusCode,
          fields: response.rawHeaders, body,
          fault: response.complete ? null : 'cut short' }));
      });
      request.end();
    }));
  }
  server.close();
  return all;
}

let input = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (part) => { input += part; });
process.stdin.on('end', async () => {
  const list = JSON.parse(input);
  const read = await (kind === 'requests' ? requests(list) : responses(list));
  process.stdout.write(JSON.stringify(read), () => process.exit(0));
});
