// Ranges: sorted pairs [from, to) of spans, steps, numbers or times that do not overlap.

// Ascending whole numbers as ranges.
function rangesOf(numbers) {
  const ranges = [];
  for (const number of numbers) {
    if (ranges.length && ranges.at(-1)[1] === number) ranges.at(-1)[1]++;
    else ranges.push([number, number + 1]);
  }
  return ranges;
}

// Whether one of the ranges holds x.
function holds(ranges, x) {
  const near = firstEndingAfter(ranges, x);
  return near < ranges.length && ranges[near][0] <= x;
}

// The position, from `low` on, of the first range that ends after x.
function firstEndingAfter(ranges, x, low = 0) {
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle][1] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
