// pack-site.mjs FRONT SITE: collects all files that the server sends to browsers, and lists them in SITE.rs, for it to
// embed.
//
// FRONT is the output of `build-front`. SITE is written anew: pkg/ (script, wasm, one stylesheet), fonts/, and the
// files of public/. Each file above a kilobyte gets a .br and a .gz sibling, so that nothing is compressed per request.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { transformSync } from "esbuild";
import { bundle } from "lightningcss";

const [front, site] = process.argv.slice(2);
const FONTS = {
  "inter.woff2": "inter/files/inter-latin-wght-normal.woff2",
  "inter-ext.woff2": "inter/files/inter-latin-ext-wght-normal.woff2",
  "jetbrains-mono.woff2": "jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
};
const WORTH_COMPRESSING = /\.(js|wasm|css|svg|html|txt|json|webmanifest|ico)$/;

rmSync(site, { recursive: true, force: true });
mkdirSync(join(site, "fonts"), { recursive: true });
if (existsSync("public")) cpSync("public", site, { recursive: true });
cpSync(front, join(site, "pkg"), { recursive: true });

for (const script of readdirSync(join(site, "pkg")).filter((name) => name.endsWith(".js"))) {
  const file = join(site, "pkg", script);
  const { code } = transformSync(readFileSync(file, "utf8"), { minify: true, format: "esm", target: "es2022" });
  writeFileSync(file, code);
}

const style = bundle({ filename: "style/main.css", minify: true });
writeFileSync(join(site, "pkg", "countersign.css"), style.code);

for (const [name, font] of Object.entries(FONTS)) {
  cpSync(join("node_modules/@fontsource-variable", font), join(site, "fonts", name));
}

const filesBelow = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
  );

for (const file of filesBelow(site)) {
  if (!WORTH_COMPRESSING.test(file) || statSync(file).size <= 1024) continue;
  const content = readFileSync(file);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 22,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  // How distances are coded (RFC 7932, section 4): code repeats itself at more distances than text. Saves 0.6 %.
  if (file.endsWith(".wasm")) {
    params[constants.BROTLI_PARAM_NPOSTFIX] = 1;
    params[constants.BROTLI_PARAM_NDIRECT] = 16;
  }
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params }));
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
}

// A Rust expression of the type `Files` in server/src/http/routes/assets.rs.
const entries = filesBelow(site)
  .sort()
  .map((file) => `    (${JSON.stringify(relative(site, file))}, include_bytes!(${JSON.stringify(resolve(file))})),\n`);
writeFileSync(`${site}.rs`, `&[\n${entries.join("")}]\n`);
