// The billing page works without this script. It only saves reloads: the price follows the quantity, credits and notices
// refresh by themselves, the chart changes its window in place, a sign-in link needs no click.

const announcer = document.getElementById("announcer");

// say tells a screen reader what has changed.
function say(text) {
  announcer.textContent = text;
}

// group puts a comma after each thousand.
function group(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

// ---- the quantity stepper: exact, like the server, in BigInt ----

function stepper(form) {
  const field = form.querySelector("input[name=quantity]");
  const price = form.querySelector("[data-price]");
  const fault = form.querySelector("[data-fault]");
  const sales = document.querySelector("[data-sales]");
  const [min, max, unit, numerator, denominator] =
    ["min", "max", "unit", "priceNumerator", "priceDenominator"].map((name) => BigInt(form.dataset[name]));

  const quantity = () => (/^[0-9]{1,12}$/.test(field.value.trim()) ? BigInt(field.value.trim()) : null);

  // costs is the price of a quantity in hundredths, rounded once, half up.
  const costs = (q) => (2n * q * numerator + denominator) / (2n * denominator);

  function wrong(q) {
    if (q === null) return "Enter a whole number of credits.";
    if (q < min) return `The least you can buy at once is ${group(min.toString())}.`;
    if (q > max) return `The most you can buy at once is ${group(max.toString())}.`;
    if (q % unit !== 0n) return `Credits are sold in units of ${group(unit.toString())}.`;
    return "";
  }

  function show() {
    const q = quantity();
    const problem = wrong(q);
    if (fault.textContent !== problem) fault.textContent = problem;
    field.setCustomValidity(problem);
    field.setAttribute("aria-invalid", problem === "" ? "false" : "true");
    field.setAttribute("aria-describedby", problem === "" ? "quantity-help" : "quantity-help quantity-fault");
    sales?.classList.toggle("strong", q !== null && q > max);
    for (const button of form.querySelectorAll("[data-step]")) {
      const to = step(q, BigInt(button.dataset.step));
      button.disabled = to === q;
    }
    if (problem !== "") {
      price.textContent = "–";
      return;
    }
    const cents = costs(q);
    const rest = (cents % 100n).toString().padStart(2, "0");
    price.textContent = `${form.dataset.currency} ${group((cents / 100n).toString())}.${rest}`;
  }

  // step is the next quantity in a direction, by a step that gets across the range in some presses.
  function step(from, direction) {
    let size = unit;
    for (const factor of [10n, 100n, 1000n]) if ((max - min) / (unit * factor) >= 20n) size = unit * factor;
    let to = from === null ? min : from + direction * size;
    if (to < min) to = min;
    if (to > max) to = max - (max % unit);
    return to;
  }

  for (const button of form.querySelectorAll("[data-step]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      field.value = step(quantity(), BigInt(button.dataset.step)).toString();
      show();
    });
  }
  form.querySelector("[data-without-script]")?.remove();
  form.noValidate = true; // what is wrong is said beside the field
  form.addEventListener("submit", (event) => {
    show();
    if (wrong(quantity()) !== "") {
      event.preventDefault();
      field.focus();
    }
  });
  field.addEventListener("input", show);
  window.addEventListener("pageshow", show); // a browser may bring back what was entered
  show();
}

document.querySelectorAll("form[data-stepper]").forEach(stepper);

// ---- what refreshes by itself ----

// replace puts a region's new content in place. What had the focus keeps it; opened details stay open.
function replace(region, fresh) {
  if (region.outerHTML === fresh.outerHTML) return;
  const focused = region.contains(document.activeElement) ? document.activeElement.id : "";
  const opened = [...region.querySelectorAll("details")].map((details) => details.open);
  fresh.querySelectorAll("details").forEach((details, i) => (details.open = opened[i] ?? false));
  const message = fresh.dataset.message;
  const changed = message !== undefined && message !== region.dataset.message;
  region.replaceWith(fresh);
  if (focused !== "") (document.getElementById(focused) ?? document.getElementById("main")).focus({ preventScroll: true });
  if (changed) say(message);
}

// againAfterChange times the refresh interval is longer than usage takes to reach the reports.
const againAfterChange = 3;

function refresh(main) {
  const every = Number(main.dataset.every);
  let tag = "";
  let again = 0; // how often it is still asked for everything: reports follow a moment after the balance
  let failures = 0;
  let timer = 0;
  let asking = false;

  async function ask() {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(main.dataset.live, { headers: tag === "" || again > 0 ? {} : { "If-None-Match": tag }, cache: "no-store" });
      if (answer.status === 401) {
        location.assign("/billing/"); // not a reload: the page may be the answer to a form
        return;
      }
      if (answer.ok) {
        const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const fresh of parsed.querySelectorAll("[data-region]")) {
          const region = document.getElementById(fresh.id);
          if (region !== null) replace(region, document.importNode(fresh, true));
        }
        const known = tag;
        tag = answer.headers.get("ETag") ?? "";
        again = tag === known ? Math.max(0, again - 1) : againAfterChange;
      }
      failures = answer.ok || answer.status === 304 ? 0 : failures + 1;
    } catch {
      failures += 1; // the network is away, or the page is being left
    } finally {
      asking = false;
    }
    schedule();
  }

  // schedule asks again, later and later while nothing answers, and not while nobody looks.
  function schedule() {
    clearTimeout(timer);
    if (document.hidden) return;
    timer = setTimeout(ask, every * 2 ** Math.min(failures, 5));
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
  schedule();
}

const main = document.querySelector("main[data-live]");
if (main !== null) refresh(main);

// ---- the chart's window, without a reload ----

async function swap(link, remember) {
  const answer = await fetch(link.href, { cache: "no-store" });
  if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const name of link.names) {
    const fresh = parsed.getElementById(name);
    const there = document.getElementById(name);
    if (fresh === null || there === null) throw new Error(`no ${name}`);
    there.replaceWith(document.importNode(fresh, true));
  }
  if (remember) history.pushState(null, "", link.href);
  shown = location.search;
}

let shown = location.search;

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-swaps]");
  if (link === null || link === undefined || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  swap({ href: link.href, names: link.dataset.swaps.split(" ") }, true)
    .then(() => {
      document.getElementById(link.id)?.focus({ preventScroll: true });
      say(`Showing ${link.textContent}.`);
    })
    .catch(() => location.assign(link.href));
});

const swapping = document.querySelector("a[data-swaps]");
if (swapping !== null) {
  const names = swapping.dataset.swaps.split(" ");
  window.addEventListener("popstate", () => {
    if (location.search === shown) return; // only another place on the page
    swap({ href: location.href, names }, false).catch(() => location.reload());
  });
}

// ---- what a form was answered, and sign-in links ----

const said = document.getElementById("said");
if (said !== null) {
  said.focus();
  const address = new URL(location.href);
  if (address.searchParams.has("said")) {
    address.searchParams.delete("said"); // it is said once, not after a reload
    history.replaceState(null, "", address);
  }
}

document.querySelector("form[data-submit]")?.requestSubmit();
