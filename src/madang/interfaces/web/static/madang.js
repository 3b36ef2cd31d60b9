// What the pages gain from a script: a log and a chart that go on while a run lives.
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

  document.querySelectorAll("[data-events]").forEach(follow);
  document.querySelectorAll(".log").forEach(function (log) { log.scrollTop = log.scrollHeight; });
})();
