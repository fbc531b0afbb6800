"""A mail server for tests, made of aiosmtpd: python smtpd.py SETTINGS.json

It keeps what it accepts in the file `messages` of its settings, one JSON object a line. What it does with a message
depends on the recipient's local part:

    unknown     550 at RCPT                     full         452 at RCPT
    relay       554 at RCPT                     spam         554 after the message
    greylisted  451 at RCPT, the first time     broken       451 after the message, the first time
    slow        no answer at RCPT               hangup       421 at RCPT, and the connection is ended
    cut         the connection is lost within the message, the first time
    late        the message is kept, but the connection is lost before the answer, the first time

and on the sender's: `stranger` gets 553 at MAIL.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, auth_mechanism

with open(sys.argv[1]) as file:
    settings = json.load(file)

seen = set()  # addresses that have been here before
connections = 0


def first_time(address):
    new = address not in seen
    seen.add(address)
    return new


def authenticate(server, session, envelope, mechanism, data):
    good = data.login.decode() == settings["username"] and data.password.decode() == settings["password"]
    return AuthResult(success=good, handled=False, auth_data=mechanism)


class Server(SMTP):
    number = 0

    async def smtp_DATA(self, arg):
        if self.envelope.rcpt_tos and local(self.envelope.rcpt_tos[0]) == "cut" and first_time(self.envelope.rcpt_tos[0]):
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


def local(address):
    return address.rsplit("@", 1)[0]


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if local(address) == "stranger":
            return "553 5.7.1 sender address rejected: not owned by user"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        match local(address):
            case "unknown":
                return "550 5.1.1 no such user here"
            case "relay":
                return f"554 5.7.1 <{address}>: Relay access denied"
            case "full":
                return "452 4.2.2 mailbox full"
            case "slow":
                await asyncio.sleep(3600)
            case "hangup":
                await server.push("421 4.3.2 closing down")
                server.transport.close()
                return "421 4.3.2 closing down"
            case "greylisted" if first_time(address):
                return "451 4.7.1 greylisted, please try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        address = envelope.rcpt_tos[0]
        match local(address):
            case "spam":
                return "554 5.7.1 message content rejected"
            case "broken" if first_time(address):
                return "451 4.3.0 local error in processing"
        keep({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": base64.b64encode(envelope.original_content).decode(),
            "encrypted": server.transport.get_extra_info("ssl_object") is not None,
            "mechanism": session.auth_data or "",
            "utf8": bool(envelope.smtp_utf8),
            "hello": session.host_name,
            "connection": server.number,
        })
        if local(address) == "late" and first_time(address):
            server.transport.abort()
        return "250 2.0.0 queued"

    @auth_mechanism("CRAM-MD5")
    async def auth_cram(self, server, args):
        challenge = b"<1896.697170952@mail.test>"
        answer = await server.challenge_auth(challenge)
        if not isinstance(answer, bytes):
            return AuthResult(success=False)
        user, digest = answer.decode().rsplit(" ", 1)
        want = hmac.new(settings["password"].encode(), challenge, hashlib.md5).hexdigest()
        good = user == settings["username"] and hmac.compare_digest(digest, want)
        return AuthResult(success=good, handled=False, auth_data="CRAM-MD5")

    @auth_mechanism("SCRAM-SHA-256")
    async def auth_scram(self, server, args):  # RFC 5802 and 7677, without channel binding
        first = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth("")
        if not isinstance(first, bytes):
            return AuthResult(success=False)
        first = first.decode().split(",", 2)[2]
        members = dict(part.split("=", 1) for part in first.split(","))
        nonce, salt, rounds = members["r"] + "server", b"salt of a test", 4096
        challenge = f"r={nonce},s={base64.b64encode(salt).decode()},i={rounds}"
        final = await server.challenge_auth(challenge)
        if not isinstance(final, bytes):
            return AuthResult(success=False)
        without, proof = final.decode().rsplit(",p=", 1)
        salted = hashlib.pbkdf2_hmac("sha256", settings["password"].encode(), salt, rounds)

        def mac(key, text):
            return hmac.new(key, text, "sha256").digest()

        client = mac(salted, b"Client Key")
        signed = ",".join([first, challenge, without]).encode()
        signature = mac(hashlib.sha256(client).digest(), signed)
        want = bytes(a ^ b for a, b in zip(client, signature))
        if members["n"] != settings["username"] or not hmac.compare_digest(want, base64.b64decode(proof)):
            return AuthResult(success=False, handled=False)
        proven = "v=" + base64.b64encode(mac(mac(salted, b"Server Key"), signed)).decode()
        await server.challenge_auth(proven)
        return AuthResult(success=True, handled=False, auth_data="SCRAM-SHA-256")


def keep(message):
    with open(settings["messages"], "a") as out:
        out.write(json.dumps(message) + "\n")
        out.flush()
        os.fsync(out.fileno())


def make_server(context):
    global connections
    connections += 1
    login = {}
    if settings["mechanisms"]:
        known = {"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"}
        login = {
            "authenticator": authenticate,
            "auth_required": True,
            "auth_require_tls": settings["mode"] == "starttls",
            "auth_exclude_mechanism": sorted(known - set(settings["mechanisms"])),
        }
    else:
        login = {"auth_exclude_mechanism": ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"]}
    server = Server(
        Handler(),
        hostname="mail.test",
        data_size_limit=settings["size_max"],
        enable_SMTPUTF8=settings["utf8"],
        tls_context=context if settings["mode"] == "starttls" else None,
        require_starttls=settings["mode"] == "starttls",
        **login,
    )
    server.number = connections
    return server


async def main():
    context = None
    if settings["mode"] != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings["certificate"], settings["key"])
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: make_server(context),
        settings["host"],
        settings["port"],
        ssl=context if settings["mode"] == "implicit" else None,
    )
    async with listener:
        await listener.serve_forever()


asyncio.run(main())
