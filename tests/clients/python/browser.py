"""A person with a browser: follows redirects, keeps cookies, fills in forms."""

import re
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

STEPS = 20
# The buttons of the server's own pages that lead to what the person came for.
GO_ON = re.compile(r"(continue|unlink)\b", re.IGNORECASE)


def visit(url, account):
    """Opens `url` as the person of `account` and returns the text of the page where it ends."""
    opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
    request = Request(url)
    for _ in range(STEPS):
        with opener.open(request, timeout=20) as response:
            address, html = response.url, response.read().decode()
        page = Page(account)
        page.feed(html)
        if page.refresh:
            request = Request(urljoin(address, page.refresh))
            continue
        form = page.leading_on()
        if not form:
            return " ".join(page.text.split())
        parts = urlsplit(address)
        origin = {"Origin": f"{parts.scheme}://{parts.netloc}"}
        body = urlencode(form.fields).encode()
        request = Request(urljoin(address, form.action), body, origin)
    raise AssertionError("the pages went on without end")


class Form:
    """What a form sends, but for its buttons: name, value and label."""

    def __init__(self, action):
        self.action = action
        self.fields, self.buttons = {}, []


class Page(HTMLParser):
    """A page's title, text, forms as `account` fills them in, and where it leads by itself."""

    def __init__(self, account):
        super().__init__()
        self.account = account
        self.title, self.text, self.refresh = "", "", None
        self.forms, self.inside, self.select = [], None, None

    def leading_on(self):
        """The first form to send, with the button that leads on.

        The tenant's pages have one form each, whose first button agrees.
        """
        tenants = self.title.endswith("(sandbox)")
        for form in self.forms:
            for name, value, label in form.buttons:
                if tenants or GO_ON.match(label):
                    form.fields.update({name: value} if name else {})
                    if tenants and "account" in form.fields:
                        form.fields["account"] = self.account
                    return form
        return None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        name, value = given.get("name"), given.get("value", "")
        form = self.forms[-1] if self.forms else None
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif tag == "meta" and given.get("http-equiv") == "refresh":
            self.refresh = given["content"].split("url=", 1)[1]
        elif tag == "input" and (given.get("type") == "hidden" or "checked" in given):
            form.fields[name] = value
        elif tag == "select":
            self.select = name
        elif tag == "option" and "selected" in given:
            form.fields[self.select] = value
        elif tag == "button":
            form.buttons.append((name, value, ""))
        self.inside = tag

    def handle_endtag(self, tag):
        if tag == "button":
            self.inside = None

    def handle_data(self, data):
        if self.inside == "title":
            self.title += data.strip()
        elif self.inside not in ("style", "script"):
            self.text += data + " "
        if self.inside == "button":
            name, value, label = self.forms[-1].buttons[-1]
            self.forms[-1].buttons[-1] = name, value, label + data
