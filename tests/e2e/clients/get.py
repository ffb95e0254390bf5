"""get.py LIBRARY NAME - https://NAME/ fetched by a library of Python's."""
import asyncio
import sys

library, name = sys.argv[1:]
url = f"https://{name}/"


def told(text):
    """What was refused, and where it was said."""
    print(text)
    sys.exit("hello from" not in text)


if library == "urllib":
    import urllib.error
    import urllib.request
    try:
        told(urllib.request.urlopen(url).read().decode())
    except urllib.error.HTTPError as error:
        told(str(error))
elif library == "requests":
    import requests
    answer = requests.get(url, timeout=20)
    try:
        answer.raise_for_status()
        told(answer.text)
    except requests.HTTPError as error:
        told(str(error))
elif library == "httpx":
    import httpx
    with httpx.Client(http2=True) as client:
        told(client.get(url).text)
elif library == "aiohttp":
    import aiohttp

    async def both():
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            async with session.ws_connect(url + "websocket") as socket:
                assert await socket.receive_str() == "welcome"
                await socket.send_str("and back")
                assert await socket.receive_str() == "and back"
            async with session.get(url) as answer:
                return await answer.text()

    try:
        told(asyncio.run(both()))
    except aiohttp.ClientResponseError as error:
        told(str(error))
elif library == "websockets":
    import websockets

    async def talk():
        async with websockets.connect(f"wss://{name}/websocket") as socket:
            assert await socket.recv() == "welcome"
            await socket.send("and back")
            assert await socket.recv() == "and back"
        return f"hello from {name}"

    try:
        told(asyncio.run(talk()))
    except websockets.InvalidStatusCode as error:
        told(str(error))
