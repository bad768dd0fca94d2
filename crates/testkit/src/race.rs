//! Two runs at once in one account, one call at a time, in an order that a seed decides.

use std::pin::pin;

use keyminder_sandbox::Turnstile;

/// A small generator (SplitMix64): the same seed gives the same numbers.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// The calls that change or list subscriptions and their records.
const ABOUT_SUBSCRIPTIONS: [&str; 7] = [
    "sns:CreateTopic",
    "sns:Subscribe",
    "sns:Unsubscribe",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sns:TagResource",
    "sns:UntagResource",
];

/// Who goes next.
#[derive(Debug)]
enum Order {
    /// A coin decides before each call.
    Coin,
    /// One run makes this many calls, then the other. Few changes find most races.
    After(Vec<usize>),
    /// One run goes on up to this call, then the other. This finds the races between such calls.
    Before(Vec<&'static str>),
}

/// The seeds below this number give every order with two changes, each before a call about subscriptions. All other
/// seeds give orders of any kind.
pub const TWO_CHANGES: u64 = 2 * 7 * 7;

impl Order {
    /// The order, and who begins.
    fn of(seed: u64, dice: &mut Dice) -> (Self, usize) {
        if let Some(seed) = usize::try_from(seed).ok().filter(|_| seed < TWO_CHANGES) {
            let [first, second] = [seed / 2 % 7, seed / 14].map(|which| ABOUT_SUBSCRIPTIONS[which]);
            return (Self::Before(vec![second, first]), seed % 2);
        }
        (Self::any(dice), dice.roll(2))
    }

    fn any(dice: &mut Dice) -> Self {
        match dice.roll(6) {
            0 => Self::Coin,
            1 => Self::After((0..=dice.roll(5)).map(|_| dice.roll(40)).collect()),
            _ => Self::Before((0..=dice.roll(4)).map(|_| ABOUT_SUBSCRIPTIONS[dice.roll(7)]).collect()),
        }
    }

    /// Whether the other one goes first, before this call.
    fn changes(&mut self, call: &str, dice: &mut Dice) -> bool {
        match self {
            Self::Coin => dice.roll(2) == 0,
            Self::After(turns) => match turns.last_mut() {
                Some(0) => turns.pop().is_some(),
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            },
            Self::Before(calls) => calls.last() == Some(&call) && calls.pop().is_some(),
        }
    }
}

/// Runs both to their ends. Each belongs to the user with the given ARN, whose calls wait at the turnstile. This waits
/// only for calls and for the ends of runs, never for a time.
pub async fn race<A, B>(
    turnstile: Turnstile,
    seed: u64,
    (one, first): (&str, impl Future<Output = A>),
    (other, second): (&str, impl Future<Output = B>),
) -> (A, B) {
    let mut dice = Dice(seed);
    let (mut order, mut turn) = Order::of(seed, &mut dice);
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut a, mut b) = (None, None);
    let mut changed = false;
    loop {
        match (&a, &b) {
            (Some(_), Some(_)) => break,
            (Some(_), None) => turn = 1,
            (None, Some(_)) => turn = 0,
            (None, None) => {}
        }
        let user = [one, other][turn];
        let alone = a.is_some() || b.is_some();
        let step = async {
            let call = turnstile.arrived(user).await;
            // A run that has just been given the turn makes at least one call.
            if !alone && !changed && order.changes(&call, &mut dice) {
                return true;
            }
            turnstile.let_through(user).await;
            false
        };
        tokio::select! {
            result = &mut first, if a.is_none() => a = Some(result),
            result = &mut second, if b.is_none() => b = Some(result),
            is_change = step => {
                changed = is_change;
                if is_change {
                    turn = 1 - turn;
                }
            }
        }
    }
    match (a, b) {
        (Some(a), Some(b)) => (a, b),
        _ => unreachable!("both have ended"),
    }
}
