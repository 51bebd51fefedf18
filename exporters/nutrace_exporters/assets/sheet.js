// On a phone the details are a sheet over the lower part of the screen: it can be closed, and hides nothing that is
// chosen. On wide screens they are a panel like others, and this does nothing.

function wireSheet() {
  document.getElementById("sheet-close").addEventListener("click", () => {
    document.getElementById("details").hidden = true;
    document.getElementById("chart").focus({ preventScroll: true });
  });
}

// If the item's row is behind the sheet, scrolls the page: the chart to the top of the screen, and further if the row
// is still hidden. In the next frame, when the chart has scrolled as well.
function keepAboveSheet({ chart, scene }, item) {
  const sheet = document.getElementById("sheet");
  if (item < 0 || getComputedStyle(sheet).position !== "fixed") return;
  requestAnimationFrame(() => {
    const { top } = chart.scroller.getBoundingClientRect();
    const row = top + chart.rowTop[scene.row[item]] - chart.scroller.scrollTop + ROW;
    const hidden = row + 8 - sheet.getBoundingClientRect().top;
    if (hidden > 0) scrollBy(0, Math.max(hidden, top - 8));
  });
}
