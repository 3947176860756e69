// Polls the feed and shows it: conversations on the left, one conversation's messages on the right.
"use strict";

const POLL_MS = 1000;
// The page stays light: each conversation keeps its newest messages only.
const KEPT = 500;

const list = document.getElementById("list");
const topBar = document.getElementById("top");
const log = document.getElementById("messages");
const newest = document.getElementById("newest");
const state = document.getElementById("state");

let epoch = 0;
let last = 0;
let open = null;
let chosen = false;
let conversations = new Map();

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function clock(time) {
  const date = new Date(time);
  return String(date.getHours()).padStart(2, "0") + ":" + String(date.getMinutes()).padStart(2, "0");
}

function day(time) {
  const date = new Date(time);
  const two = (number) => String(number).padStart(2, "0");
  return date.getFullYear() + "-" + two(date.getMonth() + 1) + "-" + two(date.getDate());
}

function when(time) {
  return day(time) === day(Date.now()) ? clock(time) : day(time).slice(5);
}

function face(kind, name, small) {
  let tone = 0;
  for (const character of name) tone = (tone * 31 + character.codePointAt(0)) % 8;
  const letter = Array.from(name.trim())[0] || "?";
  const element = make("span", "face " + kind + " tone" + tone + (small ? " small" : ""), letter.toUpperCase());
  element.setAttribute("aria-hidden", "true");
  return element;
}

function entry(conversation) {
  const newestMessage = conversation.messages[conversation.messages.length - 1];
  const button = make("button", "entry" + (conversation.key === open ? " open" : ""));
  button.type = "button";
  button.dataset.key = conversation.key;
  const text = make("span");
  const first = make("span", "line");
  first.append(make("span", "name", conversation.name), make("span", "when", when(newestMessage.time)));
  const second = make("span", "line");
  second.append(make("span", "preview", newestMessage.preview));
  if (conversation.unread) second.append(make("span", "unread", String(Math.min(conversation.unread, 99))));
  text.append(first, second);
  button.append(face(conversation.kind, conversation.name, false), text);
  return button;
}

function showList() {
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
  const parts = [];
  for (const [kind, label] of [["group", "群聊 · Groups"], ["person", "联系人 · People"]]) {
    const members = [...conversations.values()].filter((each) => each.kind === kind);
    if (!members.length) continue;
    members.sort((left, right) => right.last - left.last);
    parts.push(make("h2", "", label + " (" + members.length + ")"), ...members.map(entry));
  }
  list.replaceChildren(...parts);
  if (focused) {
    const again = list.querySelector('[data-key="' + focused + '"]');
    if (again) again.focus({ preventScroll: true });
  }
}

function bubble(conversation, message) {
  const row = make("article", "message");
  const column = make("div");
  const about = make("div", "about");
  const sender = conversation.kind === "group" ? conversation.name : "机器人 · Robot";
  about.append(make("span", "", sender), make("time", "when", clock(message.time)));
  const body = make("div", "bubble");
  // The server escapes everything in it and adds only its own tags (sandbox/dingtalk/markdown.py).
  body.innerHTML = message.html;
  if (message.at_all) {
    const all = make("div", "all");
    all.append(make("span", "mention", "@所有人"));
    body.append(all);
  }
  column.append(about, body);
  row.append(face("group", sender, true), column);
  return row;
}

function atEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 60;
}

function append(conversation, messages) {
  for (const message of messages) {
    const date = day(message.time);
    if (log.dataset.day !== date) {
      log.append(make("div", "day", date));
      log.dataset.day = date;
    }
    log.append(bubble(conversation, message));
  }
}

function showConversation() {
  log.replaceChildren();
  log.dataset.day = "";
  const conversation = conversations.get(open);
  if (!conversation) {
    topBar.replaceChildren(make("strong", "", "消息 · Messages"));
    const empty = make("div", "empty");
    empty.append(make("b", "", "还没有消息"), document.createTextNode("No messages yet. They appear here by themselves."));
    log.append(empty);
    return;
  }
  const kind = conversation.kind === "group" ? "群聊 · Group" : "单聊 · One-to-one";
  topBar.replaceChildren(make("strong", "", conversation.name), make("span", "", kind));
  conversation.unread = 0;
  append(conversation, conversation.messages);
  log.scrollTop = log.scrollHeight;
  newest.hidden = true;
}

function select(key) {
  open = key;
  showConversation();
  showList();
}

function take(message) {
  let conversation = conversations.get(message.conversation);
  if (!conversation) {
    conversation = { key: message.conversation, kind: message.kind, messages: [], unread: 0 };
    conversations.set(conversation.key, conversation);
  }
  conversation.name = message.name;
  conversation.last = message.id;
  conversation.messages.push(message);
  if (conversation.messages.length > KEPT) conversation.messages.shift();
  if (conversation.key !== open) conversation.unread += 1;
}

function receive(feed) {
  const fresh = feed.epoch !== epoch;
  if (fresh) {
    epoch = feed.epoch;
    last = 0;
    conversations = new Map();
    showConversation();
    showList();
  }
  if (!feed.messages.length) return;
  feed.messages.forEach(take);
  const latest = feed.messages[feed.messages.length - 1];
  last = latest.id;
  if (fresh) conversations.forEach((each) => { each.unread = 0; });
  if (!chosen || !conversations.has(open)) {
    const wanted = conversations.has(location.hash.slice(1)) ? location.hash.slice(1) : latest.conversation;
    chosen = true;
    select(wanted);
    return;
  }
  const stay = atEnd();
  // A reset left the note "no messages yet" in the log.
  if (fresh || log.querySelector(".empty")) {
    showConversation();
  } else {
    append(conversations.get(open), feed.messages.filter((each) => each.conversation === open));
    while (log.children.length > KEPT + 50) log.firstChild.remove();
    if (stay) log.scrollTop = log.scrollHeight;
    else newest.hidden = false;
  }
  showList();
}

async function poll() {
  try {
    const answer = await fetch("/_page/feed?epoch=" + epoch + "&after=" + last, { cache: "no-store" });
    if (!answer.ok) throw new Error("HTTP " + answer.status);
    receive(await answer.json());
    state.className = "state on";
    state.title = "已连接 · connected";
  } catch (error) {
    state.className = "state off";
    state.title = "连接中断 · connection lost: " + error.message;
  }
  setTimeout(poll, POLL_MS);
}

list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-key]");
  if (button) select(button.dataset.key);
});
log.addEventListener("scroll", () => { if (atEnd()) newest.hidden = true; });
newest.addEventListener("click", () => { log.scrollTop = log.scrollHeight; newest.hidden = true; });

showConversation();
poll();
