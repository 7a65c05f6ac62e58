//! Messages that arrive: checked as RFC 8415 section 16 says, then what sections 18.2.9 to 18.2.11 do.

use smallvec::SmallVec;

use super::duid::Duid;
use super::exchange::{Exchange, Purpose, Resource};
use super::information::{Information, max_timeouts};
use super::lease::Grant;
use super::offer::{Offer, PREFERENCE_MAX};
use super::reconfigure::ReconfigureKey;
use super::{Action, Dhcpv6Client, Env};
use crate::error::DropReason;
use crate::wire::dhcpv6::{Dhcpv6Message, Dhcpv6Option, Dhcpv6Options, IdentityAssociation, MessageType, Status};

/// What an IA of a Reply or Advertise says.
struct Answer<'a> {
    delegated: bool,
    ia: IdentityAssociation<'a>,
}

impl Dhcpv6Client {
    /// A message has come to our port, `to_us` alone or to a group.
    ///
    /// Errors: why it was of no use; nothing has changed then, but for what section 18.2.9 demands.
    pub(crate) fn on_message(
        &mut self,
        env: &mut Env<'_>,
        message: &Dhcpv6Message<'_>,
        to_us: bool,
    ) -> Result<(), DropReason> {
        if message.options.client_id() != Some(self.duid.bytes()) {
            return Err(DropReason::Dhcpv6NotOurs);
        }
        let server = message.options.server_id().and_then(Duid::from_bytes).ok_or(DropReason::Dhcpv6NotOurs)?;
        match message.kind {
            MessageType::Advertise => self.on_advertise(env, message, server),
            MessageType::Reply => self.on_reply(env, message, server),
            MessageType::Reconfigure => self.on_reconfigure(env, message, server, to_us),
            _ => Err(DropReason::Dhcpv6Type),
        }
    }

    /// Sections 16.3 and 18.2.9.
    fn on_advertise(&mut self, env: &mut Env<'_>, message: &Dhcpv6Message<'_>, server: Duid) -> Result<(), DropReason> {
        let solicit =
            self.exchange.as_ref().filter(|exchange| exchange.purpose == Purpose::Solicit && exchange.sent > 0);
        let solicit = solicit.ok_or(DropReason::Dhcpv6Unexpected)?;
        if solicit.transaction != message.transaction {
            return Err(DropReason::Dhcpv6NotOurs);
        }
        let collecting = solicit.sent == 1;
        let (sol, inf) = max_timeouts(message.options);
        if let Some(sol) = sol {
            self.offers.sol_max_rt.hear(sol);
            self.offers.sol_max_rt.apply(&mut self.sol_max_rt);
        }
        if let Some(inf) = inf {
            self.offers.inf_max_rt.hear(inf);
            self.offers.inf_max_rt.apply(&mut self.inf_max_rt);
        }
        let offer = self.offer(message.options, server).ok_or(DropReason::Dhcpv6Unusable)?;
        let at_once = !collecting || offer.preference == PREFERENCE_MAX;
        if !self.offers.add(offer, self.settings.offers) {
            self.tally.refused += 1;
        }
        if at_once {
            self.request_offer(env);
        }
        Ok(())
    }

    /// What an Advertise offers; `None` if that is nothing that was asked for.
    fn offer(&self, options: Dhcpv6Options<'_>, server: Duid) -> Option<Offer> {
        let preference = options.find(|option| if let Dhcpv6Option::Preference(it) = option { Some(it) } else { None });
        let mut resources: SmallVec<[Resource; 2]> = SmallVec::new();
        for Answer { delegated, ia } in self.answers(options) {
            if ia.options.status() == Status::SUCCESS {
                let given = Grant::all(&ia, delegated).filter(Grant::is_given);
                resources.extend(given.map(|grant| grant.resource).take(self.settings.leases));
            }
        }
        let useful = options.status() == Status::SUCCESS && !resources.is_empty();
        useful.then_some(Offer { server, preference: preference.unwrap_or(0), resources })
    }

    /// The associations in a message that are ours and wanted; one whose T1 is beyond its T2 is passed
    /// over (sections 21.4 and 21.21).
    fn answers<'a>(&self, options: Dhcpv6Options<'a>) -> impl Iterator<Item = Answer<'a>> + use<'a> {
        let (iaid, wants) = (self.iaid, self.wants);
        options.iter().filter_map(move |option| {
            let (delegated, ia) = match option {
                Dhcpv6Option::IaNa(ia) if wants.addresses => (false, ia),
                Dhcpv6Option::IaPd(ia) if wants.prefixes.is_some() => (true, ia),
                _ => return None,
            };
            let consistent = ia.t1 == 0 || ia.t2 == 0 || ia.t1 <= ia.t2;
            (ia.iaid == iaid && consistent).then_some(Answer { delegated, ia })
        })
    }

    /// Sections 16.10 and 18.2.10.
    fn on_reply(&mut self, env: &mut Env<'_>, message: &Dhcpv6Message<'_>, server: Duid) -> Result<(), DropReason> {
        let is_ours = |exchange: &Exchange| exchange.transaction == message.transaction && exchange.sent > 0;
        if let Some(at) = self.partings.iter().position(is_ours) {
            // Section 18.2.10.2: whatever the status.
            self.partings.remove(at);
            self.resume(env);
            return Ok(());
        }
        let exchange = self.exchange.as_ref().filter(|exchange| is_ours(exchange)).ok_or(DropReason::Dhcpv6NotOurs)?;
        let purpose = exchange.purpose;
        let options = message.options;
        if purpose == Purpose::Solicit && !options.iter().any(|option| option == Dhcpv6Option::RapidCommit) {
            return Err(DropReason::Dhcpv6Unexpected);
        }
        let (sol, inf) = max_timeouts(options);
        self.sol_max_rt = sol.or(self.sol_max_rt);
        self.inf_max_rt = inf.or(self.inf_max_rt);
        match (options.status(), purpose) {
            (Status::UNSPEC_FAIL, _) => return Err(DropReason::Dhcpv6Unusable),
            (Status::USE_MULTICAST, _) => self.send_again(env),
            (_, Purpose::Inform) => self.on_information(env, options, &server),
            // Section 18.2.10.3: another server may know better; until the timeout it is waited for.
            (Status::NOT_ON_LINK, Purpose::Confirm) => self.exchange.iter_mut().for_each(|it| it.not_on_link = true),
            (_, Purpose::Confirm) => self.keep_leases(env),
            (Status::NOT_ON_LINK, _) => self.start_over(env),
            _ => return self.on_leases(env, options, server, purpose),
        }
        Ok(())
    }

    /// Section 18.2.10: the message goes to the group, as all of ours do.
    fn send_again(&mut self, env: &mut Env<'_>) {
        if let Some(exchange) = &mut self.exchange {
            exchange.wait_until(env.now);
        }
        self.on_exchange_due(env);
    }

    /// Section 18.2.10.4.
    fn on_information(&mut self, env: &mut Env<'_>, options: Dhcpv6Options<'_>, server: &Duid) {
        self.exchange = None;
        self.inform(options, server);
        if !self.has_leases() {
            self.information.refresh_at = Information::refresh_at(options, env.now);
        }
    }

    /// What a Reply tells beside leases replaces what earlier ones have told (section 18.2.10).
    fn inform(&mut self, options: Dhcpv6Options<'_>, server: &Duid) {
        let (information, refused) = Information::parse(options, self.settings.leases);
        self.tally.refused += refused;
        if information != (Information { refresh_at: None, ..self.information.clone() }) {
            self.actions.push(Action::Configured);
        }
        self.information = information;
        if self.settings.reconfigure
            && let Some(key) = ReconfigureKey::in_reply(server, options)
        {
            self.key = Some(key);
        }
    }

    /// Section 18.2.10.1.
    fn on_leases(
        &mut self,
        env: &mut Env<'_>,
        options: Dhcpv6Options<'_>,
        server: Duid,
        purpose: Purpose,
    ) -> Result<(), DropReason> {
        let extends = matches!(purpose, Purpose::Renew | Purpose::Rebind | Purpose::Verify);
        let not_on_link = self.answers(options).any(|answer| answer.ia.options.status() == Status::NOT_ON_LINK);
        if not_on_link && !extends {
            self.start_over(env);
            return Ok(());
        }
        let no_binding = self.answers(options).any(|answer| answer.ia.options.status() == Status::NO_BINDING);
        self.update(env, options);
        if extends && no_binding {
            let resources = self.resources().collect();
            self.inform(options, &server);
            self.server = Some(server.clone());
            self.adopt();
            self.request(env, server, resources);
            return Ok(());
        }
        if !self.has_leases() {
            if purpose == Purpose::Solicit {
                // It goes on: there may be other servers.
                return Err(DropReason::Dhcpv6Unusable);
            }
            self.request_offer(env);
            return Ok(());
        }
        let mentioned = |delegated| self.answers(options).any(|answer| answer.delegated == delegated);
        let complete = (self.addresses.leases.is_empty() || mentioned(false))
            && (self.prefixes.leases.is_empty() || mentioned(true));
        self.inform(options, &server);
        self.server = Some(server);
        self.adopt();
        // What a server has left out is asked for again when the timeout passes.
        if complete || !extends {
            self.exchange = None;
        }
        Ok(())
    }

    /// Adds, updates and discards leases as the associations of a Reply say.
    fn update(&mut self, env: &Env<'_>, options: Dhcpv6Options<'_>) {
        let limit = self.settings.leases;
        let answers: SmallVec<[Answer<'_>; 2]> = self.answers(options).collect();
        for Answer { delegated, ia } in answers {
            if ia.options.status() != Status::SUCCESS {
                continue;
            }
            let association = if delegated { &mut self.prefixes } else { &mut self.addresses };
            for grant in Grant::all(&ia, delegated) {
                let known = association.find(grant.resource);
                let Resource { prefix, prefix_len, .. } = grant.resource;
                if delegated && known.is_some() != grant.is_given() {
                    self.actions.push(Action::Configured);
                }
                match known {
                    _ if grant.is_given() => {
                        self.tally.refused += u64::from(!association.put(env.now, &grant, limit));
                    }
                    Some(at) => {
                        association.leases.remove(at);
                        let gone = Action::Undelegate { prefix, prefix_len };
                        self.actions.push(if delegated { gone } else { Action::Withdraw(prefix) });
                    }
                    None => {}
                }
            }
            association.set_times(env.now, &ia);
        }
    }

    /// Sections 16.11 and 18.2.11.
    fn on_reconfigure(
        &mut self,
        env: &mut Env<'_>,
        message: &Dhcpv6Message<'_>,
        server: Duid,
        to_us: bool,
    ) -> Result<(), DropReason> {
        let asked = message.options.find(|option| match option {
            Dhcpv6Option::ReconfigureMessage(kind) => MessageType::from_number(kind),
            _ => None,
        });
        let admitted = to_us && self.key.as_mut().is_some_and(|key| key.admits(message));
        if !admitted || self.ends {
            return Err(DropReason::Dhcpv6Reconfigure);
        }
        if self.exchange.is_some() {
            return Err(DropReason::Dhcpv6Unexpected);
        }
        match asked {
            Some(MessageType::Renew) if self.has_leases() => self.renew(env),
            Some(MessageType::Rebind) if self.has_leases() => self.start(env, Purpose::Rebind, None, None),
            Some(MessageType::InformationRequest) => self.start(env, Purpose::Inform, Some(server), None),
            _ => return Err(DropReason::Dhcpv6Reconfigure),
        }
        Ok(())
    }
}
