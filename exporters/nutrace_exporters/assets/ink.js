// The colours of text on bars: as dark or as light as the bar's own colour needs (WCAG 2.2, 1.4.3).

const LEAST_CONTRAST = 4.5;
const SOFTEST = 0.42; // how much of the bar's colour soft text may have
const PATTERN_SHADE = 0.3; // how much of black the darkest pattern lays over a bar

function luminance(hex) {
  const [red, green, blue] = rgb(hex).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a, b) {
  const [one, other] = [luminance(a), luminance(b)];
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}

class Inks {
  constructor(usual) {
    this.usual = usual; // the theme's colour of text on bars
    this.known = new Map();
  }

  // Text on a bar of this colour: `strong` for names, `soft` for what stands behind them or is faded.
  on(fill, patterned) {
    const key = patterned ? `${fill} patterned` : fill;
    let inks = this.known.get(key);
    if (!inks) this.known.set(key, (inks = this.mixed(fill, patterned)));
    return inks;
  }

  mixed(fill, patterned) {
    const grounds = patterned ? [fill, mix(fill, "#000000", PATTERN_SHADE)] : [fill];
    const worst = (ink) => Math.min(...grounds.map((ground) => contrast(ink, ground)));
    const strong = worst(this.usual) >= LEAST_CONTRAST ? this.usual : worst("#ffffff") > worst("#000000") ? "#ffffff" : "#000000";
    let share = SOFTEST;
    while (share > 0 && worst(mix(strong, fill, share)) < LEAST_CONTRAST) share -= 0.02;
    return { strong, soft: share > 0 ? mix(strong, fill, share) : strong };
  }
}
