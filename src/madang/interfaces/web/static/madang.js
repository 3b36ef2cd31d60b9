// What the pages gain from a script: a log and a chart that go on while a run lives, and / for the search.
(function () {
  "use strict";

  function follow(grid) {
    var source = new EventSource(grid.dataset.events);
    var log = grid.querySelector('[data-live="log"]');
    var chart = grid.querySelector('[data-live="chart"]');
    source.addEventListener("log", function (event) {
      var atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
      log.textContent = JSON.parse(event.data);
      if (atEnd) { log.scrollTop = log.scrollHeight; }
    });
    source.addEventListener("chart", function (event) {
      // The server draws and escapes the chart; it comes from the same origin as the page.
      var svg = JSON.parse(event.data);
      if (svg) { chart.innerHTML = svg; }
    });
    source.addEventListener("end", function () {
      source.close();
      window.location.reload();
    });
  }

  document.addEventListener("keydown", function (event) {
    var writes = /^(input|textarea|select)$/i.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      document.querySelector('[role="search"] input').focus();
    }
  });
  document.querySelectorAll("[data-events]").forEach(follow);
  document.querySelectorAll(".log").forEach(function (log) { log.scrollTop = log.scrollHeight; });
})();
