"""Pages in Debian's Chromium."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from browsing import wait_until

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OWN = ("file:", "blob:", "data:", "http://127.0.0.1:")
"""Addresses that pages may ask for."""


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail("These tests need Chromium, for example: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path)
        yield started
        started.close()


@pytest.fixture
def errors():
    """Messages that a page may not have: a test that expects one removes it."""
    return []


@pytest.fixture
def open_page(browser, errors):
    """Open pages; a message on the console or an uncaught error fails the test."""
    contexts = []

    def open_one(address, ready, **options):
        context = browser.new_context(**{"locale": "en-US", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: check_request(request.url))
        page.goto(address)
        wait_until(page, ready)
        return page

    def check_request(url):
        if not url.startswith(OWN):
            errors.append(url)

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []
