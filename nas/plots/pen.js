// Two pens that draw alike: one onto a canvas, one into the text of an SVG file. A line is an array x, y, x, y, …;
// a style has `colour`, and as wanted `width`, `dash`, `alpha`; lengths are in pixels.

const FONT = "system-ui, sans-serif";

/** A pen for the context of a canvas. */
export function canvasPen(context) {
  const trace = (line) => {
    context.beginPath();
    context.moveTo(line[0], line[1]);
    for (let place = 2; place < line.length; place += 2) context.lineTo(line[place], line[place + 1]);
  };
  return {
    /** Lines of one style, each drawn for itself, so that many of them show where they are dense. */
    lines(lines, { colour, width = 1, dash = [], alpha = 1 }) {
      Object.assign(context, { strokeStyle: colour, lineWidth: width, globalAlpha: alpha, lineJoin: "round" });
      context.setLineDash(dash);
      for (const line of lines) {
        trace(line);
        context.stroke();
      }
    },
    /** Closed shapes of one style, filled. */
    shapes(outlines, { colour, alpha = 1 }) {
      Object.assign(context, { fillStyle: colour, globalAlpha: alpha });
      for (const outline of outlines) {
        trace(outline);
        context.closePath();
        context.fill();
      }
    },
    /** Words at the end of a line of text: `align` is "left", "center" or "right" of the point, at half the height. */
    words(text, [x, y], { colour, size = 12, align = "left", weight = 400 }) {
      Object.assign(context, { fillStyle: colour, globalAlpha: 1, textAlign: align, textBaseline: "middle" });
      context.font = `${weight} ${size}px ${FONT}`;
      context.fillText(text, x, y);
    },
  };
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const ANCHORS = { left: "start", center: "middle", right: "end" };
const short = (value) => Math.round(value * 100) / 100;

/** A text as XML can carry it. */
function escaped(text) {
  const known = String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
  return known.replace(/[&<>"]/g, (sign) => ENTITIES[sign]);
}

/** A pen for an SVG file of some width and height; `text()` is the file. */
export function svgPen(width, height) {
  const parts = [];
  const extent = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const path = (line, end = "") => `<path d="M${Array.from(line, short).join(" ")}${end}"/>`;
  return {
    lines(lines, { colour, width: thick = 1, dash = [], alpha = 1 }) {
      const dashes = dash.length ? ` stroke-dasharray="${dash.join(" ")}"` : "";
      const stroke = `stroke="${colour}" stroke-width="${thick}" stroke-opacity="${short(alpha)}"${dashes}`;
      parts.push(`<g fill="none" ${stroke} stroke-linejoin="round">`);
      for (const line of lines) parts.push(path(line));
      parts.push("</g>");
    },
    shapes(outlines, { colour, alpha = 1 }) {
      parts.push(`<g fill="${colour}" fill-opacity="${short(alpha)}">`, ...outlines.map((outline) => path(outline, "Z")), "</g>");
    },
    words(text, [x, y], { colour, size = 12, align = "left", weight = 400 }) {
      const place = `x="${short(x)}" y="${short(y)}" text-anchor="${ANCHORS[align]}" dominant-baseline="central"`;
      const font = `font-family="${FONT}" font-size="${size}" font-weight="${weight}"`;
      parts.push(`<text ${place} ${font} fill="${colour}">${escaped(text)}</text>`);
    },
    text: () => `<svg xmlns="http://www.w3.org/2000/svg" ${extent}>${parts.join("")}</svg>\n`,
  };
}
