// websocket.js NAME - a WebSocket by ws.
'use strict';
const WebSocket = require('ws');

const [, , name] = process.argv;
const socket = new WebSocket(`wss://${name}/websocket`);
const heard = [];
socket.on('message', (data) => {
  heard.push(data.toString());
  if (heard.length === 1) socket.send('and back');
  else socket.close();
});
socket.on('close', () => {
  if (heard.join() === 'welcome,and back') console.log(`hello from ${name}`);
});
socket.on('unexpected-response', (request, response) => {
  console.log(response.statusCode, response.statusMessage);
  process.exitCode = 1;
  request.destroy();
});
socket.on('error', console.log);
