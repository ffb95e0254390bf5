// grpc_calls.js NAME - the calls of grpc_server.py, by @grpc/grpc-js.
'use strict';
const assert = require('assert');
const grpc = require('@grpc/grpc-js');

const [, , name] = process.argv;
const same = (message) => message;
const call = (path, requestStream, responseStream) => ({
  path: `/hello.Hello/${path}`, requestStream, responseStream,
  requestSerialize: same, requestDeserialize: same,
  responseSerialize: same, responseDeserialize: same });
const Hello = grpc.makeGenericClientConstructor({
  one: call('One', false, false), down: call('Down', false, true),
  up: call('Up', true, false), both: call('Both', true, true) });
const hello = new Hello(`${name}:443`, grpc.credentials.createSsl());
const promised = (start) => new Promise((resolve, reject) => {
  start((error, answer) => (error ? reject(error) : resolve(answer)));
});

async function all() {
  const large = Buffer.alloc(200000, 'large');
  const one = await promised((done) => hello.one(large, done));
  assert(one.equals(Buffer.concat([Buffer.from('hello, '), large])));

  let n = 0;
  for await (const each of hello.down(Buffer.alloc(1000))) n += each.length;
  assert.strictEqual(n, 100000);

  const up = await promised((done) => {
    const stream = hello.up(done);
    for (let i = 0; i < 100; i += 1) stream.write(Buffer.alloc(1000));
    stream.end();
  });
  assert.strictEqual(up.toString(), '100000');

  // Each once the one before has been answered.
  const both = hello.both();
  let answered = 0;
  both.write(Buffer.from('0'));
  for await (const each of both) {
    assert.strictEqual(each.toString(), `echo:${answered}`);
    answered += 1;
    if (answered < 10) both.write(Buffer.from(`${answered}`));
    else both.end();
  }
  assert.strictEqual(answered, 10);
}

all().then(() => console.log(`hello from ${name}`), (error) => {
  console.log(`${grpc.status[error.code]}: ${error.details || error}`);
  process.exitCode = 1;
});
