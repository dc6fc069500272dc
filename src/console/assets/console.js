// Refreshes the pages and draws charts. Everything else on the pages works without this script.
(() => {
  'use strict';

  const REFRESH_MS = 2000;
  const CHART_REFRESH_MS = 5000;
  const byId = (id) => document.getElementById(id);

  /** How long a resting pointer, or an idle focus, on a control stops refreshes. */
  const HOVER_MS = 3000;
  const FOCUS_MS = 10_000;

  let freshSince = Date.now();
  let movedAt = -Infinity;
  let touchedAt = -Infinity;

  // Stops refreshes for as long as it lasts, so the page shows a notice.
  const isOccupied = (live) => live.querySelector('details[open], input:focus, select:focus, textarea:focus') !== null;

  // Stops refreshes only briefly: a control that is about to be pressed stays, and a visitor who has left stops nothing.
  function isTouched(live) {
    const sinceMs = (at) => performance.now() - at;
    if (sinceMs(movedAt) < HOVER_MS && live.querySelector('a:hover, button:hover, summary:hover') !== null) return true;
    return sinceMs(touchedAt) < FOCUS_MS && live.querySelector(':focus') !== null;
  }

  function tellPaused() {
    const [live, notice] = [byId('live'), byId('paused')];
    if (live !== null && notice !== null) notice.hidden = !isOccupied(live);
  }

  function watchUse() {
    const touch = () => (touchedAt = performance.now());
    addEventListener('pointermove', () => (movedAt = performance.now()), { passive: true });
    for (const name of ['pointerdown', 'keydown']) addEventListener(name, touch, { passive: true });
    for (const name of ['focusin', 'focusout', 'toggle']) {
      // Deferred, since the new focus is known only after the old one has left.
      document.addEventListener(name, () => setTimeout(tellPaused), { capture: true });
    }
  }

  function tellStale(isStale) {
    const notice = byId('stale');
    if (notice === null || notice.hidden === !isStale) return;
    notice.hidden = !isStale;
    notice.textContent = isStale
      ? `The console does not answer. This page is from ${new Date(freshSince).toLocaleTimeString()} and retries every two seconds.`
      : '';
  }

  // Gives screen readers one sentence, and only when it has changed.
  function announce() {
    const announcer = byId('announcer');
    const summary = byId('live')?.dataset.summary ?? '';
    if (announcer !== null && summary !== '' && announcer.textContent !== summary) announcer.textContent = summary;
  }

  function refresh() {
    const live = byId('live');
    tellPaused();
    if (live === null || document.hidden || isOccupied(live) || isTouched(live)) return;
    window.htmx.trigger(document.body, 'refresh');
  }

  // Reloads a page that could show nothing, as soon as it can.
  async function comeBack() {
    if (document.hidden) return;
    try {
      const response = await fetch(location.href, { headers: { accept: 'text/html' } });
      tellStale(false);
      if (response.ok) location.reload();
    } catch {
      tellStale(true);
    }
  }

  // Keeps what htmx doesn't: the scroll position of tables, and the focus of elements without an id.
  function keepPlaces() {
    const same = (one, other) => one.href === other.href && one.ariaLabel === other.ariaLabel;
    // A link to "the last hour" has another address each minute.
    const alike = (one, other) => one.pathname === other.pathname && one.textContent === other.textContent;
    const inLive = (selector) => [...(byId('live')?.querySelectorAll(selector) ?? [])];
    let scrolled = [];
    let focused = null;
    document.body.addEventListener('htmx:beforeSwap', () => {
      scrolled = inLive('.scroll').map(({ scrollLeft }) => scrollLeft);
      focused = inLive(':focus')[0] ?? null;
    });
    document.body.addEventListener('htmx:afterSwap', () => {
      for (const [index, table] of inLive('.scroll').entries()) table.scrollLeft = scrolled[index] ?? 0;
      if (focused === null || focused.id !== '') return;
      const links = inLive('a, [tabindex]');
      const again = links.find((one) => same(one, focused)) ?? links.find((one) => alike(one, focused));
      again?.focus({ preventScroll: true });
    });
  }

  function followRefreshes() {
    document.body.addEventListener('htmx:afterSwap', () => {
      freshSince = Date.now();
      tellStale(false);
      announce();
    });
    watchUse();
    keepPlaces();
    document.body.addEventListener('htmx:sendError', () => tellStale(true));
    // The session has ended: reloading the page leads to the login.
    document.body.addEventListener('htmx:responseError', ({ detail }) => {
      if (detail.xhr.status === 401) location.reload();
    });
    setInterval(refresh, REFRESH_MS);
    document.addEventListener('visibilitychange', refresh);
  }

  function selectAll() {
    const all = byId('select-all');
    if (all === null) return;
    const boxes = [...document.querySelectorAll('input[type=checkbox][name=id]')];
    all.closest('[hidden]')?.removeAttribute('hidden');
    all.addEventListener('change', () => {
      for (const box of boxes) box.checked = all.checked;
    });
  }

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function seriesOf(chart) {
    return chart.dataset.series.split(',').map((text) => {
      const [name, label, tone, dash] = text.split(':');
      return { name, label, tone, dash: dash === undefined ? [] : dash.split(' ').map(Number) };
    });
  }

  const withUnit = (value, unit) =>
    value === null || value === undefined
      ? '–'
      : `${value.toLocaleString('en-US', { maximumFractionDigits: 1 })} ${unit}`;

  function draw(chart, data) {
    const series = seriesOf(chart);
    const { unit } = chart.dataset;
    const axis = { stroke: color('--muted'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false } };
    const options = {
      width: chart.clientWidth,
      height: 150,
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_plot, _min, max) => [0, Math.max(max ?? 0, 1) * 1.1] } },
      axes: [
        { ...axis, size: 28, values: [[60, '{HH}:{mm}', null, null, null, null, null, null, 1]], space: 60 },
        { ...axis, size: 46 },
      ],
      series: [
        {
          label: 'Time',
          value: (_plot, value) => (value === null ? 'now' : new Date(value * 1000).toLocaleTimeString()),
        },
        ...series.map(({ label, tone, dash }) => ({
          label,
          stroke: color(`--${tone}`),
          dash,
          width: 2,
          points: { show: false },
          // Without a pointer, the latest value.
          value: (plot, value, index) =>
            withUnit(value ?? ((plot.cursor.idx ?? null) === null ? plot.data[index].at(-1) : null), unit),
        })),
      ],
    };
    return new window.uPlot(options, data, chart);
  }

  // Describes the chart in words.
  function describe(chart, data) {
    const last = (values) => values.at(-1);
    const now = seriesOf(chart).map(
      ({ label }, index) => `${label}: ${withUnit(last(data[index + 1]), chart.dataset.unit)}`,
    );
    chart.setAttribute('aria-label', `${chart.dataset.title}, last 15 minutes. Now ${now.join(', ')}.`);
  }

  function charts() {
    const all = [...document.querySelectorAll('.chart')];
    if (all.length === 0 || window.uPlot === undefined) return;
    const plots = new Map();
    let latest = null;

    function showAll() {
      for (const chart of all) {
        const data = [latest.times, ...seriesOf(chart).map(({ name }) => latest[name])];
        const plot = plots.get(chart);
        if (plot === undefined) plots.set(chart, draw(chart, data));
        else plot.setData(data);
        describe(chart, data);
      }
    }

    function drawAnew() {
      for (const plot of plots.values()) plot.destroy();
      plots.clear();
      if (latest !== null) showAll();
    }

    async function update() {
      if (document.hidden) return;
      try {
        const response = await fetch('/traffic.json');
        if (!response.ok) return;
        latest = await response.json();
        showAll();
      } catch {
        // The refresh of the page already reports that the console doesn't answer.
      }
    }

    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAnew);
    let resized = 0;
    addEventListener('resize', () => {
      clearTimeout(resized);
      resized = setTimeout(drawAnew, 200);
    });
    setInterval(update, CHART_REFRESH_MS);
    void update();
  }

  if (document.body.dataset.unavailable !== undefined) setInterval(comeBack, REFRESH_MS);
  else followRefreshes();
  announce();
  selectAll();
  charts();
})();
