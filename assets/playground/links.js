// The whole state in a link: behind `#`, which no browser sends anywhere.

const stream = async (bytes, transform) => {
  const piped = new Blob([bytes]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(piped).arrayBuffer());
};

// The state as text for a link.
export async function pack(state) {
  const bytes = await stream(new TextEncoder().encode(JSON.stringify(state)),
    new CompressionStream('deflate-raw'));
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

// The state of a link; `undefined` where it is none of ours.
export async function unpack(text) {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const json = await stream(bytes, new DecompressionStream('deflate-raw'));
    const state = JSON.parse(new TextDecoder().decode(json));
    const isText = (value) => typeof value === 'string';
    return isText(state.template) && isText(state.manifest) ? state : undefined;
  } catch {
    return undefined;
  }
}

// Saves a text as a file.
export function save(name, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/yaml' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
