"""One session with a language server: start, open a file with a mistake, print what comes back."""

import json
import subprocess
import sys

# The op on the third line (line 2 from 0) lacks its destination.
SOURCE = """func.func @f(%y: tensor<2x4xf32>) {
  // a comment
  "abn.activation"(%y) : (tensor<2x4xf32>) -> ()
  return
}
"""


def message(method, params, identifier=None):
    body = {"jsonrpc": "2.0", "method": method, "params": params}
    if identifier is not None:
        body["id"] = identifier
    text = json.dumps(body)
    return f"Content-Length: {len(text)}\r\n\r\n{text}"


def replies(output):
    while output:
        header, _, rest = output.partition(b"\r\n\r\n")
        length = int(header.split(b"Content-Length:")[1].split()[0])
        yield json.loads(rest[:length])
        output = rest[length:]


def main(server):
    document = {"uri": "file:///mistake.mlir", "languageId": "mlir", "version": 1, "text": SOURCE}
    session = "".join([
        message("initialize", {"processId": 0, "rootUri": None, "capabilities": {}}, 0),
        message("textDocument/didOpen", {"textDocument": document}),
        message("shutdown", None, 1),
        message("exit", None),
    ])
    # Bytes, not text: the protocol counts them, and its line ends are CR LF.
    run = subprocess.run([server], input=session.encode(), capture_output=True, timeout=60)
    for reply in replies(run.stdout):
        if reply.get("id") == 0:
            names = reply["result"]["capabilities"]
            wanted = ["completionProvider", "definitionProvider", "hoverProvider"]
            print("capabilities:", *[name for name in wanted if names.get(name)])
        elif reply.get("method") == "textDocument/publishDiagnostics":
            for diagnostic in reply["params"]["diagnostics"]:
                line = diagnostic["range"]["start"]["line"]
                print(f"diagnostic line {line}: {diagnostic['message']}")


if __name__ == "__main__":
    main(sys.argv[1])
