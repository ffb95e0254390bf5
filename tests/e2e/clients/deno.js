// deno.js NAME - fetch and a WebSocket, by Deno (rustls).
const [name] = Deno.args;
const answer = await fetch(`https://${name}/`);
const text = await answer.text();
if (answer.ok) {
  const socket = new WebSocket(`wss://${name}/websocket`);
  const heard = [];
  await new Promise((resolve, reject) => {
    socket.onerror = reject;
    socket.onmessage = ({ data }) => {
      heard.push(data);
      if (heard.length === 1) socket.send('and back');
      else resolve();
    };
  });
  if (heard.join() !== 'welcome,and back') throw new Error(heard);
}
console.log(text);
Deno.exit(answer.ok ? 0 : 1);
