// What pages of the account do besides enhance.js: they print what is worth keeping on paper, and say why no passkey can be made
// only where none can.
for (const button of document.querySelectorAll('[data-print]')) button.addEventListener('click', () => print());
if (globalThis.PublicKeyCredential) for (const words of document.querySelectorAll('[data-without-passkeys]')) words.hidden = true;
