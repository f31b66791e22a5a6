// Follows a run: asks its server whether something changed, and swaps the page's contents when it
// did. What a person opened, chose, scrolled to or selected stays.
"use strict";

(() => {
  const OFTEN_MS = 2000;
  const SELDOM_MS = 30000;
  const strip = document.querySelector("aside.live");
  const live = strip.querySelector("p");
  let version = document.querySelector('meta[name="autokd-version"]').content;
  let told = live.textContent;
  let pause = OFTEN_MS;
  let timer = 0;
  let asking = false;
  let ended = false;

  async function poll() {
    if (asking || ended) return;
    asking = true;
    clearTimeout(timer);
    try {
      const headers = { "If-None-Match": `W/"${version}"` };
      const answer = await fetch("state", { headers, cache: "no-store" });
      if (answer.status === 200) await follow();
      else if (answer.status !== 304) throw new Error(await answer.text());
      show(told, false);
      pause = OFTEN_MS;
    } catch (fault) {
      const why = fault instanceof TypeError ? "The server does not answer." : fault.message;
      show(`${why} What is shown is the last that was seen.`, true);
      pause = Math.min(2 * pause, SELDOM_MS);
    }
    asking = false;
    if (!ended && !document.hidden) timer = setTimeout(poll, pause);
  }

  function show(text, lost) {
    if (live.textContent !== text) live.textContent = text;
    strip.classList.toggle("lost", lost);
  }

  // A page in which text is selected waits; that of a run that is done asks no more.
  async function follow() {
    if (String(getSelection())) return;
    const answer = await fetch("./", { cache: "no-store" });
    if (!answer.ok) throw new Error(await answer.text());
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    swap(page);
    const next = page.querySelector('meta[name="autokd-version"]');
    ended = next === null;
    if (ended) {
      strip.remove();
      return;
    }
    version = next.content;
    const said = page.querySelector("aside.live");
    strip.className = said.className;
    told = said.textContent;
  }

  function swap(page) {
    const main = document.querySelector("main");
    const fresh = document.adoptNode(page.querySelector("main"));
    const { scrollX, scrollY } = window;
    const focus = nameOf(document.activeElement);
    const kept = [...main.querySelectorAll("details, input, .scroll")].map((element) => ({
      name: nameOf(element),
      open: element.open,
      chosen: element.checked && !element.defaultChecked,
      left: element.scrollLeft,
      top: element.scrollTop,
    }));
    document.title = page.title;
    for (const style of document.head.querySelectorAll("style")) style.remove();
    for (const style of page.head.querySelectorAll("style")) document.head.append(style);
    main.replaceWith(fresh);
    for (const element of fresh.querySelectorAll("details, input, .scroll, a, [tabindex]")) {
      const name = nameOf(element);
      if (!name) continue;
      const before = kept.find((one) => one.name === name);
      if (before) {
        if ("open" in element) element.open = before.open;
        if (before.chosen) element.checked = true;
        element.scrollLeft = before.left;
        element.scrollTop = before.top;
      }
      if (name === focus) element.focus({ preventScroll: true });
    }
    window.scrollTo(scrollX, scrollY);
  }

  // Names an element in both pages; numbers in its words grow, so they do not count.
  function nameOf(element) {
    const words =
      element.id || element.getAttribute("aria-label") ||
      element.querySelector(":scope > summary")?.textContent || "";
    return words && `${element.tagName} ${element.id ? words : words.replace(/\d+/g, "")}`;
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) poll();
  });
  timer = setTimeout(poll, OFTEN_MS);
})();
