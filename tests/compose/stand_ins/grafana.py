"""Check what Grafana needs of its mounts, then answer its health check."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

assert Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text("utf-8")
assert list(Path(os.environ["GF_PATHS_PROVISIONING"]).rglob("*.yaml"))
assert Path(os.environ["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()
Path("/var/lib/grafana/grafana.db").touch()


class Health(BaseHTTPRequestHandler):
    """Answer every path with 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


HTTPServer(("", 3000), Health).serve_forever()
