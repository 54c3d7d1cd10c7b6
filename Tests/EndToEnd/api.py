"""The API of a laboratory's server, over HTTPS."""

import base64
import http.client
import json
import re
import ssl

from lab import inside

POLICIES = "/apis/projectcalico.org/v3/namespaces/default/networkpolicies"


class Client:
    """HTTPS to the laboratory's server with the administrator's token."""

    def __init__(self, lab):
        text = open(lab.kubeconfig).read()
        self.lab = lab
        self.token = re.search(r"token: (\S+)", text).group(1)
        authority = base64.b64decode(re.search(r"certificate-authority-data: (\S+)", text).group(1)).decode()
        self.host, port = re.search(r"server: https://(\S+):(\d+)", text).groups()
        self.port = int(port)
        self.context = ssl.create_default_context(cadata=authority)

    def connection(self, timeout=20):
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=timeout)
        # Its socket is made in the thread that connects.
        with inside(self.lab.host):
            connection.connect()
        return connection

    def request(self, connection, method, path, body=None, content_type="application/json"):
        connection.request(method, path, body=body and json.dumps(body), headers={
            "Authorization": f"Bearer {self.token}", "Content-Type": content_type})
        return connection.getresponse()

    def open(self, *words, timeout=20, **options):
        return self.request(self.connection(timeout), *words, **options)

    def json(self, *words, **options):
        answer = self.open(*words, **options)
        return answer.status, json.loads(answer.read())
