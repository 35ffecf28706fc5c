"""As SageMaker Batch Transform does it: payloads of lines are posted to a server, and answers joined."""

import io
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing import Process, Queue

import onnxruntime
import pandas as pd

PAYLOAD = 6 * 10**6


def serve(model: str, port: "Queue[int]") -> None:
    """Answers CSV with CSV, as a container of a model does."""
    session = onnxruntime.InferenceSession(model)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            table = pd.read_csv(io.BytesIO(body), header=None)
            (found,) = session.run(None, {"x": table.iloc[:, 1:].to_numpy("float32")})
            answer = (
                pd.DataFrame({"id": table[0], "y": found[:, 0]}).to_csv(index=False, header=False).encode()
            )
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    port.put(server.server_port)
    server.serve_forever()


def payloads(source: str) -> Iterator[bytes]:
    """Splits a file by lines."""
    with open(source, "rb") as file:  # noqa: PTH123 - as a script has it
        file.readline()
        while lines := file.readlines(PAYLOAD):
            yield b"".join(lines)


if __name__ == "__main__":
    _, source, model, target = sys.argv
    port: "Queue[int]" = Queue()
    server = Process(target=serve, args=(model, port), daemon=True)
    server.start()
    connection = HTTPConnection("127.0.0.1", port.get())
    with open(target, "wb") as output:  # noqa: PTH123 - as a script has it
        output.write(b"id,y\n")
        for payload in payloads(source):
            connection.request("POST", "/invocations", payload, {"content-type": "text/csv"})
            output.write(connection.getresponse().read())
    print("done", flush=True)
    server.kill()
