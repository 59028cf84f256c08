// The last page of a sign-in: hands the page key to the page that has opened this one, and to no other.
//
// Must never: send it to an origin that softlanding has not named, or keep it.
const told = document.getElementById('enrolled');
if (told && window.opener) {
  const { agent, key, origin } = told.dataset;
  window.opener.postMessage({ softlanding: 'enrolled', agent, key }, origin);
  delete told.dataset.key;
  setTimeout(() => window.close(), 3000);
}
