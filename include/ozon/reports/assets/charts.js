// Draws the charts whose options are made in include/ozon/reports/charts.py: an element with data-chart is followed by
// a script of type application/json. Colours like "var(--VISIBLE)" come from palette.css.
"use strict";
(() => {
  const language = document.documentElement.lang || "en";
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const zone = document.documentElement.dataset.timeZone || undefined;
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: zone });
  const moment = new Intl.DateTimeFormat(language, {
    day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
  });

  const time = new Intl.DateTimeFormat(language, {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
  });

  // Functions cannot be in JSON: an option names one of these instead.
  const unlessEmpty = (format) => (value) => (value === "" ? "" : format.format(new Date(Number(value))));
  const formatters = {
    number: (value) => (typeof value === "number" ? number.format(value) : value),
    short: (value) => short.format(value),
    day: unlessEmpty(day),
    time: unlessEmpty(time),
    moment: unlessEmpty(moment),
    title: ({ data }) => data.title,
    present: (value) => (value === 1 ? "\u2713" : ""),
    value: ({ value }) => number.format(value),
  };

  const resolve = (option, style) => {
    if (typeof option === "string") {
      const name = /^var\((--\w+)\)$/.exec(option);
      if (name) return style.getPropertyValue(name[1]).trim();
      const formatter = /^format:(\w+)$/.exec(option);
      return formatter ? formatters[formatter[1]] : option;
    }
    if (Array.isArray(option)) return option.map((each) => resolve(each, style));
    if (option && typeof option === "object") {
      return Object.fromEntries(Object.entries(option).map(([key, value]) => [key, resolve(value, style)]));
    }
    return option;
  };

  // Drawn at once: the browser does not wait for the next frame before it prints.
  const resize = (element) => {
    const chart = echarts.getInstanceByDom(element);
    chart.resize();
    chart.getZr().flush();
  };
  const observer = new ResizeObserver((changed) => changed.forEach(({ target }) => resize(target)));

  const draw = (element) => {
    const option = JSON.parse(element.nextElementSibling.textContent);
    echarts.dispose(element);
    // At least twice the resolution of a plain screen, for paper.
    const chart = echarts.init(element, null, { devicePixelRatio: Math.max(2, devicePixelRatio) });
    chart.setOption(resolve(option, getComputedStyle(document.documentElement)));
    chart.on("click", ({ data }) => { if (data && data.href) location.assign(data.href); });
    observer.observe(element);
  };

  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);
  drawAll();
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  addEventListener("beforeprint", () => {
    document.querySelectorAll("[data-chart]").forEach(resize);
  });
})();
