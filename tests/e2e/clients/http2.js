// http2.js NAME - a request by Node's own HTTP/2.
'use strict';
const http2 = require('http2');

const session = http2.connect(`https://${process.argv[2]}`);
const request = session.request({ ':path': '/' });
request.setEncoding('utf8');
request.on('data', (text) => process.stdout.write(text));
request.on('end', () => session.close());
